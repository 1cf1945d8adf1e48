"""What a member is, in a few lines: paper, idea, losses, parameters, source, published figures. Nothing of it is imported."""

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from bench import catalogue, parameters
from bench.catalogue import Entry
from bench.errors import UserError
from bench.members import Listing
from bench.records.record import Member

ARXIV = "https://arxiv.org/abs/"


@dataclass(frozen=True)
class Card:
    """What a page says of a member; "" or empty where nobody says it."""

    paper: str
    year: int | None
    address: str
    idea: str
    facts: tuple[tuple[str, str], ...]


def card(member: Member) -> Card:
    """The card of a member, from the catalogue and the source of the package that registers it, as they are installed."""
    found = _entry(member) if member.distribution else None
    facts: list[tuple[str, str]] = []
    if found:
        facts += [("Family", found.family), ("Objective", found.objective)]
        facts += [("Regularisers", ", ".join(found.regularisers))] if found.regularisers else []
        facts += [("Conditioned on", found.conditioning)] if found.conditioning != "none" else []
    if member.parameters:
        given = (f"{name}={parameters.text(value)}" for name, value in sorted(member.parameters.items()))
        facts.append(("Parameters", ", ".join(given)))
    facts.append(("Source", f"{member.entry_point}{f' from {member.distribution}' if member.distribution else ''}"))
    if found:
        facts += [
            ("Published FID", f"{one.value:g} on {one.data} ({one.source}); another protocol, not comparable")
            for one in found.fid
        ]
    return Card(
        paper=found.title if found else "",
        year=found.year if found else None,
        address=f"{ARXIV}{found.arxiv}" if found and found.arxiv else "",
        idea=_idea(member.entry_point) if member.distribution else "",
        facts=tuple(facts),
    )


def _entry(member: Member) -> Entry | None:
    try:
        return catalogue.entry(Listing(member.name, member.entry_point, member.distribution))
    except (UserError, ImportError, ValueError):  # the package is another one here, or its catalogue has a fault
        return None


def _idea(entry_point: str) -> str:
    """The first line of the builder's docstring, read from its file; "" where there is none."""
    module, _, function = entry_point.partition(":")
    package, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(package)
        folders = [Path(folder) for folder in (spec.submodule_search_locations if spec else None) or []]
        paths = [folder.joinpath(*rest).with_suffix(".py") for folder in folders if rest]
        tree = next((ast.parse(path.read_text(encoding="utf-8")) for path in paths if path.is_file()), None)
    except (ImportError, ValueError, OSError, SyntaxError):
        return ""
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
