"""Names of pages, and links between files: always relative, always quoted."""

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

SAFE = re.compile(r"[^A-Za-z0-9._-]+")


def slug(name: str) -> str:
    """A file name for a member or a suite: itself where it is harmless, otherwise cleaned and told apart by a digest."""
    if name and not SAFE.search(name) and not name.startswith(".") and len(name) <= 80:
        return name
    clean = SAFE.sub("-", name).strip(".-")[:60] or "member"
    return f"{clean}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def relative(target: Path, page: Path) -> str:
    """A link from a page to a file or folder; "" where there is no way from one to the other."""
    try:
        path = os.path.relpath(target.resolve(), page.resolve().parent)
    except ValueError:  # another drive
        return ""
    return quote(Path(path).as_posix())


def join(base: str, path: str) -> str:
    """A link to a path below a linked folder; "" where the folder has no link."""
    return f"{base}/{quote(path)}" if base else ""
