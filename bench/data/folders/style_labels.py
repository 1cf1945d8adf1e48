"""StyleGAN's dataset.json: labels beside the images, {"labels": [["00000/img00000000.png", 6], ...]}."""

import json
from dataclasses import replace

from bench.data.folders.folder_request import Usable
from bench.data.folders.layout import Layout
from bench.data.folders.listing import Found
from bench.data.limits import open_regular, read_at_most, readable
from bench.errors import UserError

NAME = "dataset.json"
LARGEST = 256 << 20  # bytes; that of ImageNet has 50 MB


def with_style_labels(what: str, layout: Layout, content: Usable) -> Layout:
    """The layout with the labels of a dataset.json, where there is one that has labels; its folders are no classes."""
    file = min((one for one in content.others if one.parts[-1] == NAME), key=lambda one: len(one.parts), default=None)
    if file is None:
        return layout
    labels = _labels(what, file)
    if labels is None:
        return layout
    if not labels:
        items = tuple(replace(item, label=None) for item in layout.items)
        return Layout(items, (), (*_but_classes(layout), f"classes: none, as {file.name} says"))
    if not all(isinstance(label, int) and not isinstance(label, bool) for label in labels.values()):
        content.notes.append(f"the labels in {file.name} are not whole numbers and are not used")
        return layout
    depth = len(file.parts) - 1
    names = {item.file: "/".join(item.file.parts[depth:]) for item in layout.items}
    missing = next((name for name in names.values() if name not in labels), None)
    if missing is not None:
        raise UserError(f"{what}: {file.name} has no label for {readable(missing)}. Expected one for every image.")
    numbers = sorted({labels[name] for name in names.values()})
    number = {label: i for i, label in enumerate(numbers)}
    items = tuple(replace(item, label=number[labels[names[item.file]]]) for item in layout.items)
    line = f"classes: {len(numbers):,}, from {file.name}"
    return Layout(items, tuple(str(label) for label in numbers), (*_but_classes(layout), line))


def _but_classes(layout: Layout) -> list[str]:
    return [line for line in layout.lines if not line.startswith("classes:")]


def _labels(what: str, file: Found) -> dict[str, int] | None:
    """Image name -> label; {}: the file says that there are none; None: it does not speak of labels."""
    try:
        with open_regular(file.path) as stream:
            parsed = json.loads(read_at_most(stream, LARGEST, file.name))
        if not isinstance(parsed, dict) or "labels" not in parsed:
            return None
        return {str(name): label for name, label in parsed["labels"] or ()}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f'{what}: {file.name} cannot be read as StyleGAN\'s labels ({error}). Expected {{"labels": [["name.png", 0], ...]}}.'
        ) from error
