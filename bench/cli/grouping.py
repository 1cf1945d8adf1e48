"""Verbs as typer reads them: dataclasses of options, examples, panels of the help page."""

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from typer.core import TyperCommand, TyperGroup

Verb = Callable[..., None]
ARGUMENTS, OTHERS = "Arguments", "Options"


def examples(*lines: str) -> Callable[[Verb], Verb]:
    """Commands that the help page of a verb shows below its options."""

    def keep(verb: Verb) -> Verb:
        vars(verb)["examples"] = lines
        return verb

    return keep


def epilog(verb: Verb) -> str | None:
    """The examples of a verb as the last paragraph of its help; ``\\b`` keeps the lines as they are."""
    lines = vars(verb).get("examples", ())
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None


def flat(verb: Verb) -> Verb:
    """The verb with the fields of its dataclass parameters as parameters of its own, as typer wants them."""
    groups: dict[str, Any] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(verb).parameters.items():
        if is_dataclass(parameter.annotation):
            groups[name] = parameter.annotation
            parameters += _of_fields(parameter.annotation)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(verb)
    def command(**values: object) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        verb(**values)

    del command.__wrapped__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
    return command


def _of_fields(group: Any) -> Iterator[inspect.Parameter]:
    """Options that a dataclass declares; one without a default must be given."""
    for field in fields(group):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=field.type)


class Command(TyperCommand):
    """A verb whose options stand under the names of their panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """As click does, a section for each panel."""
        rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row is not None and param.param_type_name == "argument":
                rows[ARGUMENTS].append((param.metavar or row[0], row[1]))  # the name alone, without a type
            elif row is not None:
                rows[getattr(param, "rich_help_panel", None) or OTHERS].append(row)
        order = (ARGUMENTS, OTHERS)
        _write(
            formatter, sorted(rows.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
        )


class Group(TyperGroup):
    """The verbs, under the names of their panels."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Without a verb: help."""
        return super().parse_args(ctx, args or ([] if ctx.resilient_parsing else ["--help"]))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The verbs first: they are what somebody looks for."""
        self.format_commands(ctx, formatter)
        rows = [row for param in self.get_params(ctx) if (row := param.get_help_record(ctx)) is not None]
        _write(formatter, [(OTHERS, rows)])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """As click does, a section for each panel; all have one width."""
        names = [
            name for name in self.list_commands(ctx) if (found := self.get_command(ctx, name)) and not found.hidden
        ]
        width = max(map(len, names), default=0)
        rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name in names:
            command = self.get_command(ctx, name)
            if command is not None:
                panel = getattr(command, "rich_help_panel", None) or "Commands"
                rows[str(panel)].append((name.ljust(width), _summary(command)))
        _write(formatter, rows.items())


def _summary(command: Any) -> str:
    """The first sentence of a verb's help, whole: click's own is cut at 45 characters."""
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "."


def _write(formatter: Any, sections: Iterable[tuple[str, list[tuple[str, str]]]]) -> None:
    for title, rows in sections:
        with formatter.section(title):
            formatter.write_dl(rows)
