"""What there is: members, suites, data sets, metrics, extractors; and a member's GAN."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench import catalogue, members, sources
from bench.errors import UserError
from bench.parameters import text
from bench.suites import suite

if TYPE_CHECKING:
    import pandas as pd

    from bench.gan import GAN

Row = dict[str, object]


def member_rows() -> list[Row]:
    """Registered members, with the first words of their docstrings and their catalogue entries; none is imported."""
    return [_member_row(found) for found in members.listings().values()]


def _member_row(found: members.Listing) -> Row:
    blank = dict.fromkeys(catalogue.Entry.model_fields)
    origin = {"entry_point": found.entry_point, "from": found.distribution}
    try:
        if sources.locate(found.module) is None:
            raise UserError(f"there is no module {found.module!r}")
        paper = members.summary(found)
        entry = catalogue.entry(found)
    except (Exception, SystemExit) as error:  # a package of somebody else, which must not hide the others
        words = f"broken: {reason(error)}"
        return {"name": found.name, "paper": None, **blank, "title": words, **origin, "broken": words}
    facts = entry.model_dump(mode="json") if entry else blank | {"title": paper}
    return {"name": found.name, "paper": paper, **facts, **origin, "broken": None}


def reason(error: BaseException) -> str:
    """What went wrong, for a line of a table."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"


def suite_rows() -> list[Row]:
    """Suites that ship with the bench."""
    return [_suite_row(suite.load(name)) for name in suite.names()]


def _suite_row(found: suite.Suite) -> Row:
    return {
        "name": found.name,
        "version": found.version,
        "data": found.data.name,
        "track": found.track,
        "images": found.training.images,
        "flops": found.training.flops,
        "members": len(found.members),
        "seeds": len(found.seeds),
        "title": found.title,
    }


def dataset_rows() -> list[Row]:
    """Data sets that can be asked for."""
    from bench import data

    return [{**asdict(data.describe(name)), "name": name} for name in data.names()]


def metric_rows() -> list[Row]:
    """Metrics; with an extractor they become a column, e.g. fid@digits-cnn."""
    from bench import metric_facts

    facts = [
        {"name": name, **known.model_dump(mode="json"), "range": known.range}
        for name, known in metric_facts.everything().items()
    ]
    blank = dict.fromkeys(facts[0])
    broken = [
        {**blank, "name": name, "summary": f"broken: {words}"} for name, words in metric_facts.plugins().broken.items()
    ]
    return facts + broken


def extractor_rows() -> list[Row]:
    """Feature networks."""
    from bench.features import networks

    return [networks.card(name).model_dump() for name in networks.names()]


LISTINGS: Mapping[str, Callable[[], list[Row]]] = {
    "members": member_rows,
    "suites": suite_rows,
    "datasets": dataset_rows,
    "metrics": metric_rows,
    "extractors": extractor_rows,
}


def list_members() -> "pd.DataFrame":
    """Registered members: name, title, paper, year, family, what they are conditioned on, where they come from."""
    return _frame("members")


def list_suites() -> "pd.DataFrame":
    """Suites that come with the bench: name, version, data, track, budget, how many members and seeds, title."""
    return _frame("suites")


def list_datasets() -> "pd.DataFrame":
    """Data sets that can be asked for by name."""
    return _frame("datasets")


def list_metrics() -> "pd.DataFrame":
    """Metrics with what they need; with an extractor they become a column, e.g. fid@digits-cnn."""
    return _frame("metrics")


def list_extractors() -> "pd.DataFrame":
    """Feature networks."""
    return _frame("extractors")


def _frame(kind: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(LISTINGS[kind]()).set_index("name")


def build(member: str, *, resolution: int = 32, channels: int = 3, classes: int = 0, source_channels: int = 0) -> "GAN":
    """A member's networks, optimisers and losses, untrained, to look at or to train otherwise.

    Args:
        member: A registered name, with parameters if wanted ("dcgan(width=32)"), or "module:function".
        resolution: Pixels a side.
        channels: 1 or 3.
        classes: 0: unlabelled.
        source_channels: Of the pictures that a member translates; 0: none.

    Raises:
        UserError: An unknown member, or one that cannot be built for such images.
    """
    from bench.gan import ImageSpec

    return members.build(members.find(member), ImageSpec(channels, resolution, classes, source_channels))


def settings(name: str) -> list[Row] | str:
    """The parameters of a member's builder: type, default, the value that the name sets, what they do. Or why there are none."""
    try:
        listing = members.find(name)
        known, values = members.declared(listing), members.arguments(listing)
    except UserError as error:
        if "(" in name:
            raise
        return str(error)
    return [
        {
            "name": one.name,
            "type": one.type,
            "default": text(one.default),
            "value": text(values[one.name]),
            "about": one.words,
        }
        for one in known.values()
    ]


def trainable(name: str) -> dict[str, int] | str:
    """Trainable parameters per player for 32 x 32 colour images of ten classes, from pictures like them where the member
    translates; or the reason why it has none at that size.
    """
    import torch

    from bench.gan import ImageSpec

    try:
        with torch.device("meta"):  # counted, never filled
            gan = members.bound(members.find(name))(ImageSpec(3, 32, classes=10, source_channels=3))
    except (Exception, SystemExit) as error:
        return reason(error)
    return {
        role: sum(p.numel() for p in player.net.parameters() if p.requires_grad) for role, player in gan.players.items()
    }
