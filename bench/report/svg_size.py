"""An SVG with the same look in fewer elements: a page of many members stays quick to open.

matplotlib writes a reference for every mark, a group around every artist and a path for every grid line. Here the marks of
one series become one path, equal neighbours become one path, and groups that hold one thing are taken away. Where a mark
stands is kept in `data-at`, so that a page can say what is under the pointer.
"""

import re
from xml.etree import ElementTree

Element = ElementTree.Element
TOKEN = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?")
HREF = re.compile(r"^#(.+)$")
LEVEL = re.compile(r"^rotate\(0 [^)]*\)$")
CURVES_OF_A_CIRCLE = 8  # in a round marker
MEMBER, PLACES = "data-member", "data-at"


def shrink(root: Element) -> None:
    """Rewrite the tree in place; its tags have no namespace, its coordinates are rounded."""
    shapes = {path.attrib["id"]: path for defs in root.iter("defs") for path in defs if path.tag == "path"}
    _children(root, shapes, member=False)
    for parent in list(root.iter()):
        parent[:] = [child for child in parent if not _empty(child)]


def _children(parent: Element, shapes: dict[str, Element], *, member: bool) -> None:
    inside = member or MEMBER in parent.attrib
    found: list[Element] = []
    for child in parent:
        if child.tag == "defs":
            child[:] = [one for one in child if one.tag != "path"]
        elif child.tag == "use" and (match := HREF.match(child.get("href", ""))) and match[1] in shapes:
            child = _stamped(child, shapes[match[1]], places=inside)
        elif child.tag == "g":
            _children(child, shapes, member=inside)
            child = _alone(child)
        elif child.tag == "path":
            child.set("d", write(TOKEN.findall(child.attrib["d"])))
        elif child.tag == "text" and LEVEL.match(child.get("transform", "")):
            del child.attrib["transform"]
        found.append(child)
    parent[:] = _merged(found)


def _empty(element: Element) -> bool:
    """Whether nothing of an element is seen: no shapes, or a shape without paint."""
    if element.tag in ("g", "defs"):
        return len(element) == 0
    paint = {key for key in element.attrib if key not in ("d", "clip-path")}
    return element.tag == "path" and paint == {"fill"} and element.get("fill") == "none"


def _stamped(use: Element, shape: Element, *, places: bool) -> Element:
    """A reference to a shape as a path of its own; what the shape says of its paint goes before what the reference says."""
    x, y = float(use.get("x", "0")), float(use.get("y", "0"))
    attributes = {key: value for key, value in use.attrib.items() if key not in ("x", "y", "href", "class")}
    attributes |= {key: value for key, value in shape.attrib.items() if key not in ("id", "d", "class")}
    ours, theirs = use.get("class", "").split(), shape.get("class", "").split()
    classes = theirs + [name for name in ours if name[:2] not in {other[:2] for other in theirs}]
    if classes:
        attributes["class"] = " ".join(sorted(classes))
    tokens = TOKEN.findall(shape.attrib["d"])
    if "L" not in tokens and tokens.count("C") == CURVES_OF_A_CIRCLE:
        drawn = _circle(x, y, abs(float(tokens[2])))
    else:
        drawn = write(_moved(tokens, x, y))
    at = {PLACES: f"{_text(x)} {_text(y)}"} if places and len(tokens) < 100 else {}
    return ElementTree.Element("path", {"d": drawn, **attributes, **at})


def _circle(x: float, y: float, radius: float) -> str:
    r = _text(radius)
    return f"M{_text(x - radius)} {_text(y)}a{r} {r} 0 1 1 {_text(2 * radius)} 0a{r} {r} 0 1 1 {_text(-2 * radius)} 0z"


def _moved(tokens: list[str], x: float, y: float) -> list[str]:
    """The path elsewhere; all of matplotlib's commands take pairs of absolute coordinates."""
    moved: list[str] = []
    across = True
    for token in tokens:
        if token.isalpha():
            moved.append(token)
        else:
            moved.append(_text(float(token) + (x if across else y)))
            across = not across
    return moved


def write(tokens: list[str]) -> str:
    """A path of absolute commands in few characters: level and upright lines have commands of their own."""
    parts: list[str] = []
    here, place = ("", ""), 0
    while place < len(tokens):
        command = tokens[place]
        end = place + 1
        while end < len(tokens) and not tokens[end].isalpha():
            end += 1
        values = tokens[place + 1 : end]
        pairs = list(zip(values[::2], values[1::2], strict=True))
        for pair in pairs if command == "L" else ():
            parts.append(_line(here, pair))
            here = pair
        if command != "L":
            parts.append(command + " ".join(values))
            here = pairs[-1] if pairs else here
        place = end
    return "".join(parts)


def _line(here: tuple[str, str], there: tuple[str, str]) -> str:
    if here[1] == there[1]:
        return f"H{there[0]}"
    return f"V{there[1]}" if here[0] == there[0] else f"L{there[0]} {there[1]}"


def _alone(group: Element) -> Element:
    """What a group holds, where that is one thing that can carry the group's attributes."""
    group[:] = [child for child in group if not _empty(child)]
    if len(group) != 1 or not set(group.attrib) <= {"clip-path", MEMBER}:
        return group
    child = group[0]
    if set(group.attrib) & set(child.attrib) or ("clip-path" in group.attrib and "transform" in child.attrib):
        return group
    child.attrib |= group.attrib
    return child


def _merged(children: list[Element]) -> list[Element]:
    """Equal paths as one: of a member its neighbours alone, of what has no member all between two members."""
    kept: list[Element] = []
    known: dict[tuple[tuple[str, str], ...], Element] = {}
    for child in children:
        if MEMBER in child.attrib or child.tag == "g":
            known = {}
        if child.tag == "path":
            key = tuple(sorted((k, v) for k, v in child.attrib.items() if k not in ("d", PLACES)))
            if key in known:
                _join(known[key], child)
                continue
            known[key] = child
        kept.append(child)
    return _neighbours(kept)


def _neighbours(children: list[Element]) -> list[Element]:
    kept: list[Element] = []
    for child in children:
        if kept and child.tag == kept[-1].tag == "path" and _paint(child) == _paint(kept[-1]):
            _join(kept[-1], child)
        else:
            kept.append(child)
    return kept


def _paint(path: Element) -> dict[str, str]:
    return {key: value for key, value in path.attrib.items() if key not in ("d", PLACES)}


def _join(path: Element, other: Element) -> None:
    path.set("d", path.attrib["d"] + other.attrib["d"])
    if PLACES in other.attrib:
        path.set(PLACES, " ".join(filter(None, [path.get(PLACES, ""), other.attrib[PLACES]])))


def _text(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
