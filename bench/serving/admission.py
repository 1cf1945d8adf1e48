"""Who may ask, and how often."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bench.errors import UserError

LINE = re.compile(r"([\w.@-]{1,64})\s+([0-9a-f]{64})")


@dataclass(frozen=True)
class Keys:
    """Names and the sha256 of their keys. The keys themselves are kept nowhere."""

    digests: Mapping[str, bytes]

    def name_of(self, key: str) -> str | None:
        """Whose key it is. Every digest is compared, in constant time."""
        asked = hashlib.sha256(key.encode()).digest()
        found = [name for name, known in self.digests.items() if hmac.compare_digest(asked, known)]
        return found[0] if found else None


def read_keys(path: Path) -> Keys:
    """From a file with `NAME SHA256` on each line; # begins a comment. Raises UserError for any other line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UserError(f"--keys {path}: cannot be read: {error}.") from None
    digests: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not (said := line.partition("#")[0].strip()):
            continue
        found = LINE.fullmatch(said)
        if found is None or found[1] in digests:
            raise UserError(
                f"--keys {path}, line {number}: expected NAME and the sha256 of a key, each name once. "
                "`bench serve --new-key NAME` prints such a line."
            )
        digests[found[1]] = bytes.fromhex(found[2])
    if not digests:
        raise UserError(f"--keys {path}: holds no key. Nobody could ask for anything.")
    return Keys(digests)


def new_key(name: str) -> tuple[str, str]:
    """A fresh key of 256 bits, and the line for the file of keys."""
    key = secrets.token_urlsafe(32)
    line = f"{name} {hashlib.sha256(key.encode()).hexdigest()}"
    if LINE.fullmatch(line) is None:
        raise UserError(f"--new-key {name!r}: expected up to 64 letters, digits and any of . _ @ -")
    return key, line


class Limiter:
    """At most so many requests of each client in any window of so long."""

    def __init__(self, rate: str):
        """`rate`: "100/minute", "5/second;1000/day". Raises UserError for anything else."""
        try:
            self._items: list[RateLimitItem] = [parse(part) for part in rate.split(";")]
        except ValueError:
            raise UserError(f"--rate {rate}: expected such as 100/minute, or several: 5/second;1000/day.") from None
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def refused(self, client: str) -> int | None:
        """Whole seconds until the client may ask again; None: it may now, and this request is counted."""
        full = [item for item in self._items if not self._window.test(item, client)]
        if not full:
            for item in self._items:
                self._window.hit(item, client)
            return None
        resets = [self._window.get_window_stats(item, client).reset_time for item in full]
        return max(int(max(resets) - time.time()) + 1, 1)
