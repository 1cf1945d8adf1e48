"""One HTML file from a template: style sheet and script inlined, allowed by their hash and nothing else."""

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench import formats
from bench.report import csp
from bench.report.figures.drawing import compact

SCRIPTS = ("report.js", "tables.js", "selection.js", "pairs.js")  # in this order; each keeps its names to itself


def render(template: str, **context: Any) -> str:
    """A page from one of the templates, with everything it needs inside it."""
    styles, script = static("report.css"), "\n".join(map(static, SCRIPTS))
    return _templates().get_template(template).render(
        styles=Markup(styles), script=Markup(script), policy=csp.policy(styles, script), **context
    )  # fmt: skip


@cache
def static(name: str) -> str:
    """A file of ours that goes into every page."""
    return resources.files("bench.report").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("bench.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    templates.filters |= {
        "number": formats.number, "duration": formats.duration, "count": formats.count, "compact": compact,
    }  # fmt: skip
    return templates
