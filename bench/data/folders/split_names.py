"""What folders are called: those of splits, those that are neither trained on nor held out."""

import re

from bench.data.rows import HELD_OUT, TRAIN

TEST, VALIDATION, UNUSED, PREVIEW = "test", "validation", "unused", "preview"
ROLES = {
    **dict.fromkeys(("train", "training", "trn", "trainset", "traindata", "trainingset"), TRAIN),
    **dict.fromkeys(("test", "testing", "tst", "tests", "testset", "testdata", "testingset"), TEST),
    **dict.fromkeys(
        (
            "val", "valid", "validation", "validate", "validating", "valset", "validset", "validationset", "dev",
            "devel", "development", "devset", "eval", "evaluate", "evaluation", "evalset", "holdout", "heldout",
        ),
        VALIDATION,
    ),
    **dict.fromkeys(("extra", "extras", "unused", "unlabeled", "unlabelled"), UNUSED),
    **dict.fromkeys(("preview", "previews", "thumb", "thumbs", "thumbnail", "thumbnails"), PREVIEW),
}  # fmt: skip
FILLERS = {"set", "data", "images", "image", "imgs", "img", "split", "dataset", "photos", "pictures"}
SIZE = re.compile(r"\d+(x\d+)?(px)?")
# Folders that hold one side of a picture each; named like this they are no classes.
DOMAINS = {"images", "image", "imgs", "masks", "mask", "labels", "label", "annotations", "segmentations", "ab"}
JOINED = re.compile(r"(.+?)[ _-]?([ab])", re.IGNORECASE)  # trainA, test_B: a split and a domain
HELD_OUT_ROLES = (TEST, VALIDATION)  # the first that is there is held out


def role(name: str) -> str | None:
    """What a folder of this name is: train, test, validation, unused, preview; None: nothing that is known.

    Case, separators, years and sizes make no difference: Train, train_set, test-images, val2017, train_64x64.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"20\d\d$", "", name.lower())) if word]
    words = [word for word in words if word not in FILLERS and not SIZE.fullmatch(word)]
    return ROLES.get("".join(words))


def chosen(names: set[str]) -> tuple[dict[str, str], list[str], str]:
    """Folder name -> train / held_out, the names that are left out, and what is not understood ("" if nothing).

    Names that are no split's are not looked at here. Without a training and a held-out folder nothing is chosen.
    """
    by_role: dict[str, list[str]] = {}
    for name in sorted(names):
        by_role.setdefault(role(name) or "", []).append(name)
    train = by_role.get(TRAIN, [])
    kind = next((one for one in HELD_OUT_ROLES if by_role.get(one)), None)
    if not train or kind is None:
        return {}, [], ""
    held_out = by_role[kind]
    for same in (train, held_out):
        if len(same) > 1:
            return {}, [], f"{' and '.join(f'{name}/' for name in same)} are names of the same split"
    used = {train[0]: TRAIN, held_out[0]: HELD_OUT}
    rest = [name for name in sorted(names) if name not in used and role(name)]
    return used, rest, ""


def joined(name: str) -> tuple[str, str] | None:
    """The split and the domain of a name such as trainA or test_B; None for any other."""
    match = JOINED.fullmatch(name)
    return (match[1], match[2].upper()) if match and role(match[1]) else None


def is_domain(name: str) -> bool:
    """Whether a folder of this name holds one side of image pairs, or one of two domains."""
    return name.lower() in DOMAINS or joined(name) is not None
