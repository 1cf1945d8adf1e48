"""The gate's findings as text: for a terminal, Markdown for a pull request, JSON, JUnit XML for continuous integration."""

import json
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from bench.boards.verdicts.cells import TRUST, GateCell
from bench.boards.verdicts.gate import Exit, Gate
from bench.formats import NONE, escape, exact, grid, indented, number, plain

SENTENCE = {
    Exit.PASS: "pass",
    Exit.REGRESSED: "REGRESSED",
    Exit.INCONCLUSIVE: "not decided",
    Exit.INCOMPLETE: "INCOMPLETE",
    Exit.NOT_COMPARABLE: "NOT COMPARABLE",
}
WORDS = {"pass": "pass", "regressed": "regressed", "inconclusive": "not decided"}
ICONS = {"pass": "✅", "regressed": "❌", "inconclusive": "❔"}


def sentence(found: Gate) -> str:
    """What the gate says, in a word or two: a pass is said only where everything was decided."""
    return SENTENCE[Exit.INCONCLUSIVE if found.exit == Exit.PASS and not found.decided else found.exit]


def headline(found: Gate) -> str:
    """``gate digits: pass (exit 0): 12 cells compared: 11 passed, 0 regressed, 1 not decided``; what decides comes first."""
    kinds = (
        f"{len(found.of('pass'))} passed, {len(found.of('regressed'))} regressed, "
        f"{len(found.of('inconclusive'))} not decided"
    )
    noun = "cell" if len(found.cells) == 1 else "cells"
    flagged = [f"{cell.member} is {cell.words}" for cell in found.cells if cell.quantity == TRUST]
    first = f" {'; '.join(flagged)};" if flagged else ""
    return plain(
        f"gate {found.suite}: {sentence(found)} (exit {found.exit:d}):{first} {len(found.cells)} {noun} compared: {kinds}"
    )


def render_text(found: Gate) -> str:
    """The findings for a terminal."""
    lines = [headline(found), f"baseline: {found.baseline}"]
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_head, found.cells), strict=True)]
    for cell in found.cells:
        head = "  ".join(text.ljust(width) for text, width in zip(_head(cell), widths, strict=True))
        lines.append(f"  {head}  {cell.words}{_margin(cell)}")
    for title, items in _sections(found):
        lines += [f"{title}:", *(f"  {item}" for item in items)]
    return "".join(f"{indented(line)}\n" for line in lines)


def _head(cell: GateCell) -> tuple[str, str, str]:
    return WORDS[cell.verdict], plain(cell.member), plain(cell.quantity)


def _margin(cell: GateCell) -> str:
    return "" if cell.margin == "none" else f" (margin {cell.margin})"


def _sections(found: Gate) -> list[tuple[str, Sequence[str]]]:
    same = (found.same_source,) if found.same_source else ()
    sections = [
        ("the same source", same),
        ("not comparable", found.incomparable),
        ("incomplete", found.incomplete),
        ("notes", found.notes),
    ]
    return [(title, items) for title, items in sections if items]


def render_markdown(found: Gate) -> str:
    """The findings for a pull request or ``$GITHUB_STEP_SUMMARY``."""
    lines = [f"### {_icon(found)} {escape(headline(found))}", ""]
    lines += [f"Baseline: {escape(found.baseline)}", ""]
    rows = [
        [
            f"{ICONS[cell.verdict]} {WORDS[cell.verdict]}",
            escape(cell.member),
            escape(cell.quantity),
            escape(cell.words),
            escape(cell.margin),
            NONE if cell.p is None else number(cell.p, 2),
        ]
        for cell in found.cells
    ]
    lines += grid(["verdict", "member", "quantity", "change", "margin", "p (Holm)"], rows, left=4) if rows else []
    for title, items in _sections(found):
        lines += [f"**{title.capitalize()}**", "", *(f"- {escape(item)}" for item in items), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _icon(found: Gate) -> str:
    """A tick stands only where everything was decided, and passed."""
    if found.exit not in (Exit.PASS, Exit.INCONCLUSIVE):
        return ICONS["regressed"]
    return ICONS["pass" if found.exit == Exit.PASS and found.decided else "inconclusive"]


def render_json(found: Gate) -> str:
    """The findings for programs."""
    content: dict[str, Any] = {
        "suite": found.suite,
        "baseline": found.baseline,
        "verdict": "inconclusive"
        if sentence(found) == SENTENCE[Exit.INCONCLUSIVE]
        else found.exit.name.lower().replace("_", " "),
        "exit": int(found.exit),
        "compared": len(found.cells),
        "cells": [{**vars(cell), "worse_by": exact(cell.worse_by), "p": exact(cell.p)} for cell in found.cells],
        "same_source": found.same_source,
        "incomplete": found.incomplete,
        "incomparable": found.incomparable,
        "notes": found.notes,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def render_junit(found: Gate) -> str:
    """The findings as JUnit XML: regressed cells fail, incomplete ones are errors, undecided ones are skipped or fail."""
    suite = ElementTree.Element("testsuite", name=f"bench gate {_clean(found.suite)}")
    for cell in found.cells:
        case = _case(suite, cell.member, cell.quantity)
        if cell.verdict == "regressed":
            _child(case, "failure", f"{cell.words}{_margin(cell)}")
        elif cell.verdict == "inconclusive":
            _child(case, "failure" if found.options.fail_inconclusive else "skipped", f"not decided: {cell.words}")
        _child(case, "system-out", f"{cell.words}{_margin(cell)}")
    problems = [*found.incomparable, *(found.incomplete if found.options.fail_incomplete else ())]
    problems += [found.same_source] if found.same_source and found.options.fail_same_source else []
    if not found.cells and not problems:
        problems = ["nothing was compared"]
    for words in problems:
        _child(_case(suite, "gate", words), "error", words)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, class_name: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=_clean(class_name), name=_clean(name))


def _child(case: ElementTree.Element, tag: str, words: str) -> None:
    element = ElementTree.SubElement(case, tag)
    if tag == "system-out":
        element.text = _clean(words)
    else:
        element.set("message", _clean(words))


def _clean(text: str) -> str:
    """Without the control characters that XML forbids."""
    return re.sub(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "�", text)
