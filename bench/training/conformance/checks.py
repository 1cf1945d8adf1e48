"""Which checks there are, in which order, and on which images."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch

from bench.errors import UserError
from bench.gan import Builder, ImageSpec
from bench.training.conformance import declaration, images, settings, state, updates
from bench.training.conformance.finding import Check, Finding, finding

RESOLUTIONS = (16, 8, 32, 64, 128)  # the first that a member accepts is used for all that does not depend on size
BEHAVIOUR: dict[str, Check] = {
    "declaration": declaration.declares,
    "updates": updates.moves_exactly_its_player,
    "gradients": updates.reaches_every_parameter,
    "penalties": updates.declares_penalties,
    "real batch": updates.leaves_the_batch,
    "logits": updates.keeps_logits_apart,
    "waits": updates.reads_no_values,
    "seeds": state.seeds,
    "generate": images.as_asked,
    "range": images.uses_the_whole_range,
    "neighbours": images.treats_images_one_by_one,
    "batch size": images.keeps_the_batch_free,
    "checkpoint": state.resumes,
    "images counted": state.counts_images,
    "without labels": declaration.unlabelled,
    "bfloat16": settings.bf16,
    "channels last": settings.channels_last,
}


def specs(
    resolutions: Sequence[int] | None = None, channels: Sequence[int] | None = None, classes: int = 4
) -> tuple[ImageSpec, ...]:
    """The images that a member is tried on, labelled and with sources; None: every size, grey and in colour."""
    return tuple(
        ImageSpec(count, resolution, classes=classes, source_channels=count)
        for resolution in resolutions or RESOLUTIONS
        for count in channels or (1, 3)
    )


SPECS = specs()


def check(builder: Builder, specs: Sequence[ImageSpec] = SPECS, *, compiled: bool = False) -> list[Finding]:
    """Every check of a member; those of its behaviour at the first spec that it accepts, then one for each spec.

    `compiled` also trains under torch.compile, which takes a minute. The global random state is left as it was.
    """
    return list(findings(builder, specs, compiled=compiled))


def findings(builder: Builder, specs: Sequence[ImageSpec] = SPECS, *, compiled: bool = False) -> Iterator[Finding]:
    """The findings of `check` one by one, each as soon as it is made. An error with one root is told once."""
    base, refusals = _first_accepted(builder, specs)
    if base is None:
        yield Finding("builds", "fail", f"no image spec was accepted. {' '.join(refusals)}")
        return
    builder = partial(builder)  # hashable and new: runs that several checks read are kept by it
    checks = dict(BEHAVIOUR) | ({"torch.compile": settings.compiled} if compiled else {})
    cases = [(name, test, base) for name, test in checks.items()]
    cases += [(settings.size(spec), settings.works_at, spec) for spec in specs]
    told: dict[str, str] = {}  # root of an error -> the check that has told it
    for name, test, spec in cases:
        with torch.random.fork_rng(devices=[]):
            found, root = finding(name, test, builder, spec)
        if root in told:
            found = Finding(name, "fail", f"the same as under {told[root]!r}")
        elif root is not None:
            told[root] = name
        yield found
        if test is declaration.declares and not found.ok:
            yield Finding("everything else", "skip", "not tried until the declaration is right")
            break
    images.trained.cache_clear()
    updates.watched.cache_clear()


def _first_accepted(builder: Builder, specs: Sequence[ImageSpec]) -> tuple[ImageSpec | None, list[str]]:
    """The first spec that the builder does not refuse; a crash counts as accepted, and is reported by the checks."""
    refusals: list[str] = []
    for spec in specs:
        try:
            with torch.random.fork_rng(devices=[]):
                builder(spec)
        except UserError as error:
            refusals.append(str(error))
            continue
        except Exception:
            return spec, refusals
        return spec, refusals
    return None, list(dict.fromkeys(refusals))
