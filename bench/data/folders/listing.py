"""Folders of images: which files there are, and which of them are images."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.data.folders.decode import BrokenPictureError, Header, read_header, read_picture
from bench.data.limits import exists, is_folder, open_regular, readable
from bench.errors import UserError

A = TypeVar("A")
B = TypeVar("B")
IGNORED = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"}  # as are names with a leading dot
IMAGE_SUFFIXES = {  # a file of such a name is meant to be an image, whatever is in it
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "ppm", "pgm", "pbm", "pnm",
    "eps", "ps", "heic", "heif", "avif", "jp2", "j2k", "psd", "tga", "ico", "svg", "exr", "hdr", "dcm", "jxl", "raw",
}  # fmt: skip
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")  # how PNG, JPEG, GIF, TIFF begin
MOST_FOLDERS = 1_000_000  # of a tree; links may multiply them without end
DEEPEST = 64  # folders inside folders
AHEAD = 64  # files that are read together
SHOWN = 5  # files named in a message
NEVER = "Expected still images only. Remove or repair them."
SKIP = f"{NEVER} Or leave them out and record them: --skip-broken."


@dataclass(frozen=True)
class Found:
    """A file of a folder."""

    path: Path
    parts: tuple[str, ...]  # below the folder
    size: int
    changed: int  # ns

    @property
    def name(self) -> str:
        """The path below the folder, with forward slashes, fit for a message."""
        return "/".join(map(readable, self.parts))


@dataclass(frozen=True)
class Seen:
    """The files of a folder, told apart by their content."""

    images: tuple[tuple[Found, Header], ...]
    broken: tuple[tuple[Found, str], ...]  # meant to be images, with the reason why they cannot be used
    others: tuple[Found, ...]  # README.txt, dataset.json and the like


def list_files(folder: Path, what: str) -> list[Found]:
    """All files below `folder`, links followed, in a fixed order. Raises UserError for what is not a folder, or empty."""
    shown = readable(folder)
    if not is_folder(folder):
        hint = "there is no such folder. Expected a folder of images."
        if exists(folder):
            hint = (
                "it is a file. Expected a folder of images; archives, arrays and shards: bench data import NAME PATH."
            )
        raise UserError(f"{what}: {shown}: {hint}")
    try:
        files = sorted(_Walk(what).files(folder, (), ()), key=lambda file: file.parts)
    except OSError as error:
        raise UserError(
            f"{what}: {readable(error.filename or folder)}: {error.strerror}. Expected a folder that may be read."
        ) from error
    if not files:
        raise UserError(f"{what}: {shown} holds no files. Expected images (PNG, JPEG, WebP, ...), nested or not.")
    return files


class _Walk:
    """Goes through a tree; a link that leads back up is not followed, and a tree without end is refused."""

    def __init__(self, what: str):
        self.what, self.folders = what, 0

    def files(self, folder: Path, parts: tuple[str, ...], above: tuple[tuple[int, int], ...]) -> Iterator[Found]:
        status = folder.stat()
        here = (status.st_dev, status.st_ino)
        if here in above:
            return
        self.folders += 1
        if len(parts) > DEEPEST or self.folders > MOST_FOLDERS:
            raise UserError(
                f"{self.what}: {readable(folder)}: more than {DEEPEST} folders inside each other, or {MOST_FOLDERS:,} "
                "in all. Links may lead round in circles: remove them."
            )
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.startswith(".") or name.lower() in IGNORED:
                continue
            path, below = folder / name, (*parts, name)
            try:
                status = path.stat()
            except OSError:  # a link to nothing or to itself: named when it is read
                yield Found(path, below, 0, 0)
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self.files(path, below, (*above, here))
            else:
                yield Found(path, below, status.st_size, status.st_mtime_ns)


def lie(count: int) -> str:
    """ "1 image lies", "12 images lie": for messages."""
    return "1 image lies" if count == 1 else f"{count:,} images lie"


def fingerprint(files: Sequence[Found], *more: object) -> str:
    """Twelve letters that change when a file is added, removed, renamed or written, or `more` changes."""
    whole = hashlib.sha256(repr(more).encode("utf-8", "surrogateescape"))
    for file in files:
        line = f"{'/'.join(file.parts)}\0{file.size}\0{file.changed}\n"
        whole.update(line.encode("utf-8", "surrogateescape"))
    return whole.hexdigest()[:12]


def in_order(function: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """function(item) for each item, in order, several at once, few in memory. Exceptions are raised in their turn."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="bench-read") as pool:
        for start in range(0, len(items), AHEAD):
            yield from pool.map(function, items[start : start + AHEAD])


def look_at(files: Sequence[Found]) -> Seen:
    """Read the headers of all files. What is neither an image by content nor by name is none that is missed."""
    images, broken, others = [], [], []
    for file, header in zip(files, in_order(_header, files), strict=True):
        if isinstance(header, Header):
            images.append((file, header))
        elif header is None:
            others.append(file)
        else:
            broken.append((file, str(header)))
    return Seen(tuple(images), tuple(broken), tuple(others))


def _header(file: Found) -> Header | BrokenPictureError | None:
    try:
        return read_header(file.path)
    except BrokenPictureError as problem:
        return problem if _meant_to_be_an_image(file) else None


def _meant_to_be_an_image(file: Found) -> bool:
    """By its name, or because it begins like one of the formats that are read."""
    name, dot, suffix = file.parts[-1].lower().rpartition(".")
    if dot and name and suffix in IMAGE_SUFFIXES:
        return True
    try:
        with open_regular(file.path) as stream:
            start = stream.read(12)
    except OSError as error:
        return isinstance(error, PermissionError)
    return start.startswith(MAGIC) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def unreadable(files: Sequence[Found]) -> Iterator[tuple[Found, str]]:
    """Files whose pixels cannot be read although their header can: only asked for when there is an error anyway."""

    def problem(file: Found) -> str | None:
        try:
            read_picture(file.path, colour=True)
        except BrokenPictureError as broken:
            return str(broken)
        return None

    for file, reason in zip(files, in_order(problem, files), strict=True):
        if reason is not None:
            yield file, reason


def refuse_broken(what: str, place: str, total: int, broken: Sequence[str], advice: str) -> None:
    """Raise for broken files ("name: reason"), naming the first few and counting all."""
    if not broken:
        return
    shown = "; ".join(broken[:SHOWN]) + ("; ..." if len(broken) > SHOWN else "")
    count = f"{len(broken):,} of {total:,} files cannot be used"
    raise UserError(f"{what}: {place}: {count}: {shown}. {advice}")
