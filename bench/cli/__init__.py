"""The command line: every verb is a thin call into the modules above. Heavy imports happen inside the verbs."""

import sys

import typer

from bench.cli import data, perf, read, results, train, verdicts
from bench.errors import UserError

app = typer.Typer(
    name="bench",
    help="GAN Bench: which GAN is better, by how much, how sure, and at what cost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (train.verbs, results.verbs, verdicts.verbs, perf.verbs, read.verbs):
    for verb in group:
        app.command(name=verb.__name__.strip("_"))(verb)
app.add_typer(data.app, name="data")
app.add_typer(data.extractors, name="extractors")


def main() -> None:
    """Run the command line. What the user can mend is said in one message, with exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("bench: interrupted. The same command continues where it stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
