"""bench show."""

from typing import Annotated, Literal, cast

import typer

from bench.cli import complete
from bench.cli.grouping import examples
from bench.cli.options import AsJson
from bench.errors import UserError, unknown

ONE = {"members": "member", "suites": "suite", "datasets": "data set", "metrics": "metric", "extractors": "extractor"}


@examples(
    "bench show stylegan2-ada", "bench show 'dcgan(width=32)'", "bench show fid", "bench show digits --kind suites"
)
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Of a member, suite, data set, metric or extractor.",
            autocompletion=complete.anything,
        ),
    ],
    kind: Annotated[
        Literal["members", "suites", "datasets", "metrics", "extractors"] | None,
        typer.Option(metavar="KIND", help="Where a name is that of two things: members, suites, datasets ..."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of one member, suite, data set, metric or extractor."""
    from bench.cli.listing import LISTINGS, detail
    from bench.cli.output import card, print_json
    from bench.parameters import split

    # fid@digits-cnn is the metric fid, dcgan(width=32) the member dcgan
    wanted = split(name)[0].partition("@")[0] or name
    names = {of: {str(row["name"]) for row in LISTINGS[of]()} for of in ([kind] if kind else LISTINGS)}
    kinds = [of for of, known in names.items() if wanted in known]
    if not kinds:
        raise unknown(ONE[kind] if kind else "name", wanted, set().union(*names.values()))
    if not as_json:
        for index, of in enumerate(kinds):
            typer.echo("\n" * min(index, 1), nl=False)
            facts = detail(of, wanted, name)
            card(f"{ONE[of]} {wanted}", cast("dict[str, object]", facts.get("protocol", facts)))
        return
    if len(kinds) > 1:
        both = " and a ".join(ONE[of] for of in kinds)
        raise UserError(f"{wanted} is a {both}. Add --kind {' or --kind '.join(kinds)}.")
    print_json(detail(kinds[0], wanted, name))
