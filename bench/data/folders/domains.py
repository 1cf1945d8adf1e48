"""Two domains of images, A and B: how pix2pix, CycleGAN and others lay them out in folders."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.data.folders.layout import Located, NotUnderstoodError, unwrap, without_previews
from bench.data.folders.listing import Found, lie
from bench.data.folders.split_names import chosen, joined, role
from bench.data.limits import readable
from bench.data.rows import TRAIN

DOMAINS = {  # A is what pix2pix makes, B what it is made from (its facades: photograph A, label map B)
    **dict.fromkeys(("a", "image", "images", "img", "imgs", "photo", "photos", "target", "targets"), "A"),
    **dict.fromkeys(("output", "outputs", "gt", "hq", "hr", "high", "clean", "sharp"), "A"),
    **dict.fromkeys(("b", "mask", "masks", "label", "labels", "segmentation", "segmentations", "seg"), "B"),
    **dict.fromkeys(("annotation", "annotations", "edge", "edges", "sketch", "sketches", "source", "sources"), "B"),
    **dict.fromkeys(("input", "inputs", "condition", "conditions", "lq", "lr", "low", "noisy", "blur"), "B"),
}
BOTH = {"ab", "a_b", "a-b", "combined", "aligned"}  # A|B pictures, beside their parts or alone


@dataclass(frozen=True)
class Placed:
    """A file with what its folders say: A/train/x.png, train/A/x.png, trainA/x.png or A/x.png."""

    file: Found
    domain: str  # "A" or "B"
    folder: str  # that of the split as it is written; "" where there is none
    key: str  # the rest of its path without the suffix: what two images of a pair share


@dataclass(frozen=True)
class Domains:
    """The files of two domains."""

    placed: tuple[Placed, ...]
    splits: dict[str, str | None]  # folder of a split -> train, held_out; None: by content
    lines: tuple[str, ...]


def find_domains(files: Sequence[Found]) -> Domains | None:
    """All files with their domains; None where no folder names a domain. Raises NotUnderstoodError for a mixture."""
    lines: list[str] = []
    images = without_previews(unwrap([Located(file, file.parts) for file in files], lines), lines)
    placed: list[Placed] = []
    words: dict[str, set[str]] = {"A": set(), "B": set()}
    both: list[Found] = []
    strange: list[Found] = []
    for image in images:
        one, word = _place(image)
        if one is not None:
            placed.append(one)
            words[one.domain].add(word)
        elif any(part.lower() in BOTH for part in image.parts[:-1]):
            both.append(image.file)
        else:
            strange.append(image.file)
    if not placed:
        return None
    _refuse_mixture(words, strange)
    if both:
        lines.append(f"left out: {len(both):,} images of A|B pictures, the first is {both[0].name}")
    lines.append(f"domains: A is {min(words['A'])}/, B is {min(words['B'])}/")
    splits = _splits({one.folder for one in placed}, lines)
    return Domains(tuple(one for one in placed if one.folder in splits), splits, tuple(lines))


def _place(image: Located) -> tuple[Placed | None, str]:
    """Find domain and split in the first folders, and the word for the domain."""
    *folders, last = image.parts
    domain = split = word = ""
    used = 0
    for name in folders[:3]:
        plain = name.lower()
        both = joined(name)
        if both and not domain and not split:
            (split, domain), word = both, both[1]
        elif plain in DOMAINS and not domain:
            domain, word = DOMAINS[plain], readable(name)
        elif role(name) and not split:
            split = name
        else:
            break
        used += 1
    key = readable("/".join([*folders[used:], last.rpartition(".")[0] or last]))
    return (Placed(image.file, domain, split, key) if domain else None), word


def _refuse_mixture(words: dict[str, set[str]], strange: list[Found]) -> None:
    for domain, there in words.items():
        other = "B" if domain == "A" else "A"
        if len({word.lower() for word in there}) > 1:
            raise NotUnderstoodError(f"{' and '.join(sorted(there))} are names of the same domain, {domain}")
        if not there:
            raise NotUnderstoodError(
                f"there is {', '.join(sorted(words[other]))}/ (domain {other}) but no domain {domain}"
            )
    if strange:
        raise NotUnderstoodError(
            f"{lie(len(strange))} in neither {min(words['A'])}/ nor {min(words['B'])}/, the first is {strange[0].name}"
        )


def _splits(folders: set[str], lines: list[str]) -> dict[str, str | None]:
    """Folder of a split -> train, held out; None: by content, where there is one folder alone, or none."""
    used, rest, problem = chosen(folders)
    if problem:
        raise NotUnderstoodError(problem)
    if used:
        lines.append(
            "splits: "
            + ", ".join(
                f"{readable(name)} is {'trained on' if split == TRAIN else 'held out'}" for name, split in used.items()
            )
            + "".join(f"; {readable(name)} is left out" for name in rest)
        )
        return dict(used)
    if len(folders) > 1:
        names = ", ".join(sorted(readable(name) or "no folder" for name in folders))
        raise NotUnderstoodError(f"the splits {names} are not a training and a held-out one")
    lines.append("splits: none; a tenth is held out by content")
    return dict.fromkeys(folders)
