"""What a GAN says about itself: types, names, counts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from torch import nn

from bench.errors import UserError
from bench.gan import GAN, Builder, ImageSpec, Player, Stage, Task, Update
from bench.training import trial
from bench.training.conformance.finding import ConformanceError


def declares(builder: Builder, spec: ImageSpec) -> str:
    """What the GAN says about itself is complete."""
    gan = trial.as_built(builder, spec, seed=0)
    faults = list(_types(gan)) or list(_schedule(gan))
    if faults:
        raise ConformanceError(" ".join(faults))
    sizes = {name: sum(p.numel() for p in player.net.parameters()) for name, player in gan.players.items()}
    return ", ".join(f"{name} {count:,} parameters" for name, count in sizes.items())


def _types(gan: GAN) -> Iterator[str]:
    """Parts of a wrong type, by name."""
    if not isinstance(gan.players, Mapping) or not gan.players:
        yield f"GAN.players is {_what(gan.players)}, expected a mapping from names to Player."
        return
    yield from _part_types(gan)
    if gan.task not in get_args(Task):
        yield f"GAN.task is {gan.task!r}, expected one of {', '.join(get_args(Task))}."
    for name, value in {"generate": gan.generate, "latents": gan.latents}.items():
        if not callable(value) and not (name == "latents" and value is None):
            yield f"GAN.{name} is {_what(value)}, expected a function."
    if gan.least_batch < 1:
        yield f"GAN.least_batch is {gan.least_batch}, expected 1 or more."


def _part_types(gan: GAN) -> Iterator[str]:
    for name, player in gan.players.items():
        if not isinstance(player, Player) or not isinstance(player.net, nn.Module):
            yield f"player {name!r} is {_what(player)}, expected a bench.gan.Player with an nn.Module."
    if not gan.schedule:
        yield "GAN.schedule is empty: give at least one Stage."
    for stage in gan.schedule:
        updates = stage.updates if isinstance(stage, Stage) else ()
        if not updates or not all(isinstance(update, Update) for update in updates):
            yield f"GAN.schedule holds {_what(stage)}, expected a bench.gan.Stage with at least one bench.gan.Update."


def _schedule(gan: GAN) -> Iterator[str]:
    """Who moves, and whether that can be."""
    for index, update in enumerate(update for stage in gan.schedule for update in stage.updates):
        if update.player not in gan.players:
            yield f"update {index} moves {update.player!r}, which is not among the players {sorted(gan.players)}."
        if not update.losses:
            yield f"update {index} of {update.player} has no losses: give it at least one term."
        if update.repeat < 1 or update.every < 1:
            yield f"update {index} of {update.player}: repeat and every must be 1 or more."
    idle = set(gan.players) - {update.player for stage in gan.schedule for update in stage.updates}
    if idle:
        yield f"no update moves {', '.join(sorted(idle))}: give each player an update, or put it into GAN.state."
    shared = _shared_weights(gan)
    if shared:
        yield f"{shared} share weights, so one would move with the other: make them one player."


def _shared_weights(gan: GAN) -> str:
    owners: dict[int, str] = {}
    for name, player in gan.players.items():
        for parameter in player.net.parameters():
            if owners.setdefault(id(parameter), name) != name:
                return f"{owners[id(parameter)]} and {name}"
    return ""


def _what(value: Any) -> str:
    return f"{value!r}" if value is None or isinstance(value, (str, int, float)) else type(value).__name__


def unlabelled(builder: Builder, spec: ImageSpec) -> str:
    """A set without labels or sources is trained on, or refused with a reason."""
    bare = replace(spec, classes=0, source_channels=0)
    try:
        gan = trial.build(builder, bare, 0)
    except UserError as error:
        return f"refused: {error}"
    if gan.task in ("conditional", "paired", "unpaired"):
        raise ConformanceError(
            f"the builder accepts images without labels and sources for the task {gan.task!r}. "
            "Raise bench.errors.UserError and say what is needed."
        )
    trial.run(trial.begin(gan, bare, 0, iterations=1))
    return "trains without labels and sources"
