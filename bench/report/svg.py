"""A matplotlib figure as inline SVG: no style attributes, no ids that clash, colours as classes, coordinates rounded.

A page with a strict content security policy ignores style attributes, and a reader may change the theme: so every style
becomes a presentation attribute, and every colour of the palette a class that the style sheet gives a value to.
"""

import io
import json
import re
import warnings
from typing import Final
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.figure import Figure

from bench.report.svg_size import shrink
from bench.report.theme import PALETTE

SVG: Final = "{http://www.w3.org/2000/svg}"
XLINK: Final = "{http://www.w3.org/1999/xlink}"
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
MEMBER = re.compile(r"^member-(\d+)$")
REFERENCE = re.compile(r"url\(#([^)]+)\)")
ROUNDED = ("d", "transform", "x", "y", "width", "height", "x1", "x2", "y1", "y2", "cx", "cy", "r", "points", "viewBox")
PLAIN = ("fill-opacity", "stroke-opacity", "opacity", "stroke-width", "stroke-dasharray", "stroke-linecap",
         "stroke-linejoin", "text-anchor", "font-size", "font-weight", "clip-path")  # fmt: skip
DEFAULT = {"stroke-dashoffset": "0", "stroke-linejoin": "miter", "stroke-linecap": "butt", "font-weight": "400"}


def to_svg(figure: Figure) -> str:
    """The figure as an SVG document, without dates and the same bytes each time."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # the page's typeface may well have it
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()


def inline(figure: Figure, name: str, title: str, description: str) -> Markup:
    """The figure as an `<svg>` element for an HTML page.

    `name` must be unique on the page: it becomes the prefix of every id. `title` and `description` are read out in place
    of the picture.
    """
    root = ElementTree.fromstring(to_svg(figure))
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{SVG}metadata", f"{SVG}style"):
                parent.remove(child)
    for element in root.iter():
        _restyle(element, name)
    _unwrap(root)
    shrink(root)
    _label(root, name, title, description)
    if axes := _axes(figure):
        root.set("data-axes", json.dumps(axes, separators=(",", ":"), ensure_ascii=False))
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=True))


def _axes(figure: Figure) -> list[list[object]]:
    """Where axes are in the picture and what their ends stand for, so that a page can say the values of a mark.

    Per pair of axes: left, right, top, bottom in pixels; of x, then of y: label ("" where places are no values), whether it is
    logarithmic, value at the left or bottom end, value at the right or top end.
    """
    width, height = figure.get_size_inches() * 72
    found: list[list[object]] = []
    for axes in figure.axes:
        box = axes.get_position()
        sides = [box.x0 * width, box.x1 * width, (1 - box.y1) * height, (1 - box.y0) * height]
        (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
        across = [axes.get_xlabel(), axes.get_xscale() == "log", _few(x0), _few(x1)]
        up = [axes.get_ylabel(), axes.get_yscale() == "log", _few(y0), _few(y1)]
        found.append([*(_few(side) for side in sides), *across, *up])
    return found


def _few(value: float) -> float:
    """Eight digits: as many as a mark's place can tell, and the same on every machine."""
    return float(f"{value:.8g}")


def _label(root: ElementTree.Element, name: str, title: str, description: str) -> None:
    width = float(root.attrib["viewBox"].split()[2])
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-t {name}-d", "class": f"w{width:.0f}"}
    for tag, text in (("desc", description), ("title", title)):
        element = ElementTree.Element(tag, id=f"{name}-{tag[0]}")
        element.text = text
        root.insert(0, element)


def _restyle(element: ElementTree.Element, name: str) -> None:
    element.tag = element.tag.removeprefix(SVG)
    old, element.attrib = element.attrib, {}
    classes: list[str] = []
    for key, value in old.items():
        if key == "style":
            classes += _styles(element, value, name)
        elif key == "id":
            _identify(element, value, name)
        elif key == f"{XLINK}href":
            element.set("href", f"#{name}-{value.removeprefix('#')}")
        elif key in ROUNDED:
            element.set(key, NUMBER.sub(_rounded, value).replace("rotate(-0 ", "rotate(0 ").replace("\n", ""))
        else:
            element.set(key, REFERENCE.sub(rf"url(#{name}-\1)", value))
    if classes:
        element.set("class", " ".join(classes))
    if element.text and element.tag not in ("text", "tspan", "title", "desc"):
        element.text = None
    element.tail = None


def _identify(element: ElementTree.Element, value: str, name: str) -> None:
    member = MEMBER.match(value)
    if member:
        element.set("data-member", member[1])
    elif element.tag != "g":  # groups are numbered by matplotlib; nothing refers to them
        element.set("id", f"{name}-{value}")


def _styles(element: ElementTree.Element, style: str, name: str) -> list[str]:
    """Move one style attribute into presentation attributes; returns the colour classes."""
    parts = [part.partition(":") for part in style.split(";") if part.strip()]
    rules = {key.strip(): value.strip() for key, _, value in parts}
    if "font" in rules:
        rules["font-size"] = re.findall(r"([\d.]+)px", rules["font"])[0]
        if re.match(r"(bold|[6-9]00)\b", rules["font"]):
            rules["font-weight"] = "600"
    classes: list[str] = []
    for paint in ("fill", "stroke"):
        value = rules.get(paint, "")
        if value in PALETTE:
            classes.append(f"{paint[0]}-{PALETTE[value]}")
        elif value:
            element.set(paint, value)
    for key in PLAIN:
        value = rules.get(key)
        if value and value != DEFAULT.get(key):
            element.set(key, REFERENCE.sub(rf"url(#{name}-\1)", NUMBER.sub(_rounded, value)))
    if element.tag == "text" and "fill" not in rules:
        classes.append("f-ink")
    return classes


def _rounded(match: re.Match[str]) -> str:
    """Two decimals: a hundredth of a pixel, and far above what two machines' arithmetic can differ by."""
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _unwrap(root: ElementTree.Element) -> None:
    """Groups that carry nothing are replaced by what they hold."""
    for parent in list(root.iter()):
        flat: list[ElementTree.Element] = []
        for child in list(parent):
            stack = [child]
            while stack:
                node = stack.pop(0)
                if node.tag == "g" and not node.attrib:
                    stack = [*node, *stack]
                else:
                    flat.append(node)
        parent[:] = flat
