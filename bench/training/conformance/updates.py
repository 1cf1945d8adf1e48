"""What updates do: whom they move, what reaches them, and what they touch that is not theirs."""

from collections.abc import Iterator
from functools import lru_cache

from bench.gan import Builder, ImageSpec
from bench.training import trial
from bench.training.conformance.finding import ConformanceError, ConformanceWarning

ITERATIONS = 3
SHOWN = 3  # lines or names in a message


@lru_cache(maxsize=1)  # several checks read one run
def watched(builder: Builder, spec: ImageSpec) -> trial.UpdateRecorder:
    """What was seen in a few iterations of every stage."""
    gan = trial.build(builder, spec, seed=0)
    spy = trial.UpdateRecorder({name: player.net for name, player in gan.players.items()})
    trial.run(trial.begin(spy.watch(gan), spec, seed=0, iterations=ITERATIONS))
    return spy


def moves_exactly_its_player(builder: Builder, spec: ImageSpec) -> str:
    """Every update moves its player, and no other, bit for bit."""
    spy = watched(builder, spec)
    moved: set[tuple[int, int]] = set()
    for seen in spy.sightings:
        vectors = [name for name, value in seen.terms.items() if value.ndim]
        if vectors:
            raise ConformanceError(f"{seen}: {', '.join(vectors)} is not a scalar. A loss must end in mean() or sum().")
        others = seen.moved - {seen.mover}
        if others:
            raise ConformanceError(
                f"{seen} also changed the weights of {', '.join(sorted(others))}. "
                "Only the update's own player may move: fix what its losses or `then` actions write to."
            )
        if seen.mover in seen.moved:
            moved.add((seen.stage, seen.update))
    for seen in spy.sightings:
        if (seen.stage, seen.update) not in moved:
            raise ConformanceError(
                f"{seen} never moves its player. Its losses have no gradient there: "
                "is something detached, or is the learning rate 0?"
            )
    return f"{len(spy.sightings)} optimiser steps, each moved its own player alone"


def reaches_every_parameter(builder: Builder, spec: ImageSpec) -> str:
    """Every parameter that may learn gets a gradient in some update."""
    spy = watched(builder, spec)
    missed = [name for name in spy.trainable if name not in spy.reached]
    if missed:
        more = f" and {len(missed) - SHOWN} more" if len(missed) > SHOWN else ""
        raise ConformanceWarning(
            f"no update gives a gradient to {', '.join(missed[:SHOWN])}{more}. Use them in what a loss sees, remove them, "
            "or freeze them with requires_grad_(False) in the builder."
        )
    return f"a gradient reaches all {len(spy.trainable)} parameters"


def leaves_the_batch(builder: Builder, spec: ImageSpec) -> str:
    """No update writes to the real batch: the updates that follow would see it changed."""
    spy = watched(builder, spec)
    for seen in spy.sightings:
        if seen.written:
            raise ConformanceError(
                f"{seen} writes to the real batch ({', '.join(seen.written)}) in place, so the updates that follow see it "
                "changed. Make a new tensor instead of +=, mul_, clamp_ and the like."
            )
    return "the real batch stays as it was drawn"


def keeps_logits_apart(builder: Builder, spec: ImageSpec) -> str:
    """No loss makes (N, N) out of (N, 1) and (N,)."""
    spy = watched(builder, spec)
    for place, line in _lines(spy, "outer"):
        raise ConformanceError(
            f"{place}: (N, 1) meets (N,) and becomes (N, N): every image with every other. "
            f"Does the critic return (N, 1)? End it in flatten(0) or squeeze(1). {line}"
        )
    return "no (N, 1) meets (N,)"


def declares_penalties(builder: Builder, spec: ImageSpec) -> str:
    """A loss that differentiates images a second time says so, which a compiled network must know."""
    spy = watched(builder, spec)
    penalties: set[str] = set()
    for seen in spy.sightings:
        for name, observer in seen.observers.items():
            images = [shape for shape in observer.differentiated if len(shape) == 4]
            if images and not seen.declared.get(name):
                raise ConformanceError(
                    f"{seen}: loss {name!r} differentiates images but does not say so, and a compiled network has no second "
                    'derivative. Give it `differentiates = frozenset({"real"})` (or "fake"); turn.real then asks for its '
                    "gradient without a second pass."
                )
            penalties |= {name} if images else set()
    return f"declared by {', '.join(sorted(penalties))}" if penalties else "no loss differentiates images"


def reads_no_values(builder: Builder, spec: ImageSpec) -> str:
    """No update reads a tensor's value: on an accelerator that waits for all that was queued."""
    spy = watched(builder, spec)
    found = list(_lines(spy, "reads"))
    if found:
        lines = list(dict.fromkeys(line for _, line in found))
        raise ConformanceWarning(
            f"{len(found) / ITERATIONS:.3g} times per iteration a tensor's value is read, and an accelerator waits each time "
            f"(.item(), float(), if tensor). Keep tensors until they are reported. {'; '.join(lines[:SHOWN])}"
        )
    return "no update waits for a value"


def _lines(spy: trial.UpdateRecorder, what: str) -> Iterator[tuple[str, str]]:
    """(place, line) of everything of a kind that observers have noted."""
    for seen in spy.sightings:
        for name, observer in seen.observers.items():
            for line in getattr(observer, what):
                yield f"stage {seen.stage}, update {seen.update} ({seen.mover}), loss {name!r}", line
