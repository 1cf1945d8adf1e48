"""Pictures arranged for a page: one strip over training per run and kind, all under one slider."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.records.grid import COLUMNS, side
from bench.records.record import Record
from bench.report import links
from bench.report.figures.drawing import compact
from bench.report.pictures import KINDS, Picture

COLUMN = 288  # screen pixels of a column of pictures
SHOWN = 4  # samples of a thumbnail, across
WIDEST = 190  # screen pixels of the samples on the first screen


@dataclass(frozen=True)
class Frame:
    """One picture, or the words that stand in its place."""

    id: str
    uri: str
    width: int
    height: int
    label: str
    images: int | None
    problem: str
    path: str
    link: str  # to the file, or ""
    note: str
    withheld: bool  # there is no picture because there must not be one

    @property
    def shown(self) -> int:
        """Screen pixels across: the largest whole multiple of the picture's own that fits a column, once at least."""
        return self.width * max(COLUMN // max(self.width, 1), 1)


@dataclass(frozen=True)
class Strip:
    """The pictures of one kind of one run, in the order of training."""

    index: int  # the member's place on the board
    member: str  # as it is shown
    seed: int
    link: str  # to the member's page, or ""
    label: str
    shots: tuple[Frame, ...]


@dataclass(frozen=True)
class Gallery:
    """Every film of one kind."""

    kind: str
    title: str
    note: str
    films: tuple[Strip, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """The places in training at which a film of several pictures has one: the stops of the slider.

        What never trained (a calibration row) has one picture and no place of its own.
        """
        moving = [film for film in self.films if len(film.shots) > 1]
        return tuple(sorted({shot.images for film in moving for shot in film.shots if shot.images is not None}))

    @property
    def withheld(self) -> str:
        """Why none of these pictures may be shown, where that is so and the reason is the same for all; else ""."""
        shots = [shot for film in self.films for shot in film.shots]
        reasons = {shot.problem for shot in shots}
        return reasons.pop() if len(reasons) == 1 and shots[0].withheld else ""


def chosen(records: Sequence[Record]) -> list[Record]:
    """The run of each member whose pictures its rivals are shown beside: the lowest seed that finished, no other rule."""
    first: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: (record.status != "ok", record.seed, record.place)):
        first.setdefault(record.member.label, record)
    return [first[name] for name in sorted(first)]


def walls(
    pictures: Iterable[Picture],
    order: Mapping[str, int],
    member_pages: Mapping[str, str],
    prefix: str = "pic",
    folder: str = "",
) -> tuple[Gallery, ...]:
    """The pictures by kind, then as the board orders the members; `folder` leads from the page to the results."""
    strips: dict[str, dict[tuple[int, int, str], list[Picture]]] = {}
    for picture in pictures:
        place = order.get(picture.member, len(order))
        strips.setdefault(picture.kind, {}).setdefault((place, picture.seed, picture.member), []).append(picture)
    known = [kind for kind in KINDS if kind in strips] + sorted(set(strips) - set(KINDS))
    return tuple(
        Gallery(
            kind,
            *KINDS.get(kind, (kind.replace("-", " ").capitalize(), "")),
            tuple(
                _film(kind, key, strip, member_pages.get(key[2], ""), f"{prefix}-{links.slug(kind)}", folder)
                for key, strip in sorted(strips[kind].items())
            ),
        )
        for kind in known
    )


def _film(kind: str, key: tuple[int, int, str], strip: Sequence[Picture], link: str, prefix: str, folder: str) -> Strip:
    place, seed, member = key
    title = KINDS.get(kind, (kind, ""))[0]
    shots = tuple(
        _shot(picture, f"{prefix}-{place}-{seed}-{number}", title, folder) for number, picture in enumerate(strip)
    )
    return Strip(place, member, seed, link, f"{title} of {member}, seed {seed}, over training", shots)


def _shot(picture: Picture, id: str, title: str, folder: str) -> Frame:
    when = f" after {compact(picture.images)} images" if picture.images is not None else ""
    width, height = picture.size if picture.content else (0, 0)
    return Frame(
        id=id,
        uri=Markup(picture.uri if picture.content else ""),  # base64: nothing in it to escape
        width=width,
        height=height,
        label=f"{title} of {picture.member}, seed {picture.seed}{when}",
        images=picture.images,
        problem=picture.problem,
        path=picture.path,
        link=links.join(folder, picture.path) if picture.there else "",
        note=picture.note,
        withheld=picture.withheld,
    )


@dataclass(frozen=True)
class Thumb:
    """A piece of a picture that is elsewhere on the page: its first samples."""

    href: str
    width: int
    height: int

    @property
    def scale(self) -> int:
        """How many screen pixels a pixel is shown as: a whole number, so that nothing is interpolated."""
        return max(WIDEST // self.width, 1)


def thumbs(walls: Sequence[Gallery]) -> dict[int, Thumb]:
    """For each member a strip from the beginning of its last grid, by reference, so that no byte is embedded twice."""
    return _pieces(walls, lambda size: (SHOWN, 1))


def _pieces(walls: Sequence[Gallery], shape: Callable[[int], tuple[int, int]]) -> dict[int, Thumb]:
    """The first samples of each member's last grid: `shape` says how many across and down, from the side of one."""
    grids = next((wall for wall in walls if wall.kind == "grid"), None)
    found: dict[int, Thumb] = {}
    for film in grids.films if grids else ():
        last = film.shots[-1]
        if last.uri:
            size, gap = side(last.width, last.height, COLUMNS)
            across, down = shape(size)
            width, height = min(across * (size + gap) - gap, last.width), min(down * (size + gap) - gap, last.height)
            found.setdefault(film.index, Thumb(f"#{last.id}", width, height))
    return found


@dataclass(frozen=True)
class Specimen:
    """A few samples with the words under them."""

    title: str
    words: str
    thumb: Thumb


def specimens(walls: Sequence[Gallery], wanted: Iterable[tuple[int, str, str]]) -> tuple[Specimen, ...]:
    """Samples of some members, each given by its index, a title and words; whoever has no picture is left out."""

    def square(size: int) -> tuple[int, int]:
        count = max(min(WIDEST // size, SHOWN), 1)
        return count, count

    found = _pieces(walls, square)
    return tuple(Specimen(title, words, found[index]) for index, title, words in wanted if index in found)
