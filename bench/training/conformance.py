"""Conformance of any member to the contract: what check_estimator is to scikit-learn.

    for finding in check(my_gan):
        print(finding)

Every finding says in words what is wrong and what to do about it. Images are made up and tiny: nothing here says whether a
member is any good, only that the bench may train and judge it.
"""

import io
import shutil
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from bench.errors import UserError
from bench.gan import GAN, Builder, ImageSpec, Prompt
from bench.training import sampling, trial
from bench.training.loop import Execution, Training
from bench.training.sampling import verified

SPECS = tuple(
    ImageSpec(channels, resolution, classes=4, source_channels=channels)
    for resolution in (16, 8, 32, 64, 128)
    for channels in (1, 3)
)
TASKS = ("unconditional", "conditional", "paired", "unpaired", "reconstruction")


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    name: str
    ok: bool
    words: str
    skipped: bool = False  # not run, for the reason in `words`; counts as ok

    def __str__(self) -> str:
        mark = "skip" if self.skipped else "ok  " if self.ok else "FAIL"
        return f"{mark} {self.name}: {self.words}"


class ConformanceError(Exception):
    """What is wrong and what to do."""


def check(builder: Builder, specs: Sequence[ImageSpec] = SPECS, *, compiled: bool = False) -> list[Finding]:
    """Every check of a member; those of its behaviour at the first spec that it accepts, then one for each spec.

    `compiled` also trains under torch.compile, which takes a minute. The global random state is left as it was.
    """
    return list(findings(builder, specs, compiled=compiled))


def findings(builder: Builder, specs: Sequence[ImageSpec] = SPECS, *, compiled: bool = False) -> Iterator[Finding]:
    """The findings of `check` one by one, each as soon as it is made."""
    with torch.random.fork_rng(devices=[]):
        base, refusals = _first_accepted(builder, specs)
    if base is None:
        yield Finding("builds", False, f"no image spec was accepted. {' '.join(refusals)}")
        return
    tests = dict(BEHAVIOUR)
    if compiled:
        tests["torch.compile"] = _compile
    for name, test in tests.items():
        yield _attempt(name, test, builder, base)
    for spec in specs:
        yield _attempt(_size(spec), _works_at, builder, spec)


def _first_accepted(builder: Builder, specs: Sequence[ImageSpec]) -> tuple[ImageSpec | None, list[str]]:
    """The first spec that the builder does not refuse; a crash counts as accepted, and is reported by the checks."""
    refusals: list[str] = []
    for spec in specs:
        try:
            builder(spec)
        except UserError as error:
            refusals.append(str(error))
            continue
        except Exception:
            return spec, refusals
        return spec, refusals
    return None, list(dict.fromkeys(refusals))


def _attempt(name: str, test: Callable[[Builder, ImageSpec], str], builder: Builder, spec: ImageSpec) -> Finding:
    """Run one check; whatever it raises becomes words."""
    try:
        with torch.random.fork_rng(devices=[]):
            return Finding(name, True, test(builder, spec))
    except NotApplicable as reason:
        return Finding(name, True, str(reason), skipped=True)
    except (ConformanceError, UserError) as fault:
        return Finding(name, False, str(fault))
    except Exception as error:
        return Finding(name, False, _words(error))


class NotApplicable(Exception):  # noqa: N818 (no error)
    """Why a check does not apply here."""


def _words(error: Exception) -> str:
    """An exception that the author did not expect: what, and the innermost line that is not PyTorch's."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "torch" not in Path(f.filename).parts]
    where = f"{Path(frames[-1].filename).name} line {frames[-1].lineno}: {frames[-1].line}"
    if "does not require grad" in str(error):
        return f"a loss has no gradient for its player: what it judges was detached, or another player made it. {where}"
    return f"{type(error).__name__}: {error} ({where})"


def _size(spec: ImageSpec) -> str:
    return f"{spec.resolution} px, {spec.channels} channel{'s' if spec.channels > 1 else ''}"


def _declares(builder: Builder, spec: ImageSpec) -> str:
    """What the GAN says about itself is complete."""
    gan = trial.build(builder, spec, seed=0)
    faults = list(_declaration_faults(gan))
    if faults:
        raise ConformanceError(" ".join(faults))
    counts = {name: sum(p.numel() for p in player.net.parameters()) for name, player in gan.players.items()}
    return ", ".join(f"{name} {count:,} parameters" for name, count in counts.items())


def _declaration_faults(gan: GAN) -> Iterator[str]:
    if gan.task not in TASKS:
        yield f"GAN.task is {gan.task!r}, expected one of {', '.join(TASKS)}."
    if not gan.schedule:
        yield "GAN.schedule is empty: give at least one Stage."
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


def _moves_exactly_its_player(builder: Builder, spec: ImageSpec) -> str:
    """Every update moves its player, and nobody else, bit for bit."""
    gan = trial.build(builder, spec, seed=0)
    spy = trial.UpdateRecorder({name: player.net for name, player in gan.players.items()})
    trial.run(trial.begin(spy.watch(gan), spec, seed=0, iterations=3))
    moved: set[tuple[int, int]] = set()
    for seen in spy.sightings:
        vectors = [name for name, value in seen.terms.items() if value.ndim]
        if vectors:
            raise ConformanceError(f"{seen}: {', '.join(vectors)} is no scalar. A loss must end in mean() or sum().")
        others = seen.moved - {seen.mover}
        if others:
            raise ConformanceError(
                f"{seen} also changed the weights of {', '.join(sorted(others))}. "
                "Only the update's own player may move: mend what its losses or `then` actions write to."
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


def _seeds(builder: Builder, spec: ImageSpec) -> str:
    """The same seed repeats, another differs."""

    first, other = (trial.begin(trial.build(builder, spec, seed), spec, 0, iterations=2) for seed in (0, 1))
    if not trial.differing(trial.weights(first), trial.weights(other)):
        raise ConformanceError(
            "the builder draws the same weights from seeds 0 and 1: it must not seed a generator itself."
        )
    # One after the other: dropout draws from the global generator, where the builder's draws left it.
    first, again = (trial.run(trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=2)) for _ in range(2))
    unlike = trial.differing(trial.weights(first), trial.weights(again))
    if unlike:
        raise ConformanceError(
            f"two runs from seed 0 differ in {', '.join(unlike)}. Draw from turn.random or the global torch "
            "generator; not from numpy, random, the clock or a generator of your own."
        )
    return "seed 0 repeats bit for bit, seed 1 differs"


def _checkpoint(builder: Builder, spec: ImageSpec) -> str:
    """A run that was saved and restored into a new process ends as one that was not interrupted."""
    whole = trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=4)
    trial.run(whole, 2)
    saved = io.BytesIO()
    torch.save(whole.state_dict(), saved)
    trial.run(whole)
    saved.seek(0)
    restored = trial.begin(trial.build(builder, spec, 1), spec, 1, iterations=4)
    restored.load_state_dict(torch.load(saved, weights_only=True))
    trial.run(restored)
    unlike = trial.differing(trial.weights(whole), trial.weights(restored))
    if unlike:
        raise ConformanceError(
            f"after a save and a restore {', '.join(unlike)} end differently. Something that training depends on is "
            "not saved: put what a network remembers into a buffer, what a loss remembers into GAN.state."
        )
    if not torch.equal(_sampled(whole, spec), _sampled(restored, spec)):
        raise ConformanceError(
            "after a save and a restore generate gives other images: what sampling needs must be a buffer."
        )
    return "saved, restored and continued to the same bits"


def _images(builder: Builder, spec: ImageSpec) -> str:
    """Generate gives what the contract says, from the averaged weights, for what was asked."""
    training = trial.run(trial.begin(trial.build(builder, spec, 0), spec, 0, iterations=3))
    gan, images = training.gan, _sampled(training, spec)
    if not (images != images.flatten(1)[:, :1, None, None]).flatten(1).any(1).all():
        raise ConformanceError(
            "generate gives images of one colour. Is the last layer initialised to zero or saturated?"
        )
    if torch.equal(images[0], images[1]):
        raise ConformanceError("generate gives the same image twice: it ignores its latents or its source.")
    if not torch.equal(images, _sampled(training, spec)):
        raise ConformanceError("generate differs for the same prompt: draw noise from prompt.random, and only there.")
    _answers_to_labels(training, spec)
    _reads_what_it_is_given(training, spec, images)
    return f"{gan.task}: (N, {spec.channels}, {spec.resolution}, {spec.resolution}) {images.dtype} in [-1, 1]"


def _answers_to_labels(training: Training, spec: ImageSpec) -> None:
    if training.gan.task != "conditional":
        return
    nets = training.sampling_nets()
    asked = [sampling.prompt(training.gan, spec, 4, labels=[label] * 4) for label in (0, 1)]
    zero, one = (_generated(training.gan, nets, prompt, spec) for prompt in asked)
    if torch.equal(zero, one):
        raise ConformanceError("generate gives the same images for every class: read prompt.labels.")


def _reads_what_it_is_given(training: Training, spec: ImageSpec, before: Tensor) -> None:
    """Spoil the networks that have an average: images come from the average, so they stay as they are."""
    for name in training.averages:
        for parameter in training.gan.players[name].net.parameters():
            parameter.data.add_(torch.randn_like(parameter))
    if not torch.equal(before, _sampled(training, spec)):
        raise ConformanceError(
            "generate does not use the averaged networks that it is given. Use `nets`, not a captured network."
        )


def _counts_images(builder: Builder, spec: ImageSpec) -> str:
    """What the record calls images is what was drawn."""
    gan = trial.build(builder, spec, 0)
    batches = trial.MadeUpBatches(spec, 0)
    training = trial.begin(gan, spec, 0, iterations=2)
    training.batches = batches
    trial.run(training)
    if batches.drawn != training.now.images:
        raise ConformanceError(f"{batches.drawn} images were drawn but {training.now.images} are counted.")
    per_iteration = batches.drawn // max(training.now.step, 1) / batches.batch_size
    return f"{per_iteration:g} batches per iteration, all counted"


def _unlabelled(builder: Builder, spec: ImageSpec) -> str:
    """A set without labels or sources is trained on, or refused in words."""
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


def _bf16(builder: Builder, spec: ImageSpec) -> str:
    """Training and sampling under bfloat16 autocast stay finite."""
    return _runs(builder, spec, Execution(precision="bf16"), "bfloat16 autocast")


def _compile(builder: Builder, spec: ImageSpec) -> str:
    """Training runs under torch.compile."""
    if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++", "cl")):
        raise NotApplicable("no C++ compiler was found, which torch.compile needs on a CPU")
    return _runs(builder, spec, Execution(compiled=True), "torch.compile")


def _runs(builder: Builder, spec: ImageSpec, execution: Execution, what: str) -> str:
    gan = trial.build(builder, spec, 0)
    training = trial.run(trial.begin(gan, spec, 0, iterations=2, execution=execution))
    if training.diverged_at_step is not None:
        raise ConformanceError(f"a loss is not finite at step {training.diverged_at_step} under {what}.")
    with execution.autocast():
        _sampled(training, spec)
    return f"trains and generates under {what}"


def _works_at(builder: Builder, spec: ImageSpec) -> str:
    """One iteration and a sample at this size."""
    try:
        gan = trial.build(builder, spec, 0)
    except UserError as error:
        raise NotApplicable(f"refused: {error}") from None
    training = trial.run(trial.begin(trial.once(gan), spec, 0, iterations=1), 1)
    if training.diverged_at_step is not None:
        raise ConformanceError(f"the first losses at {_size(spec)} are not finite.")
    _sampled(training, spec)
    return "trains and generates"


def _sampled(training: Training, spec: ImageSpec) -> Tensor:
    """Four images from the averaged networks."""
    images = _generated(training.gan, training.sampling_nets(), sampling.prompt(training.gan, spec, 4), spec)
    training.resume_training_mode()
    return images


@torch.no_grad()
def _generated(gan: GAN, nets: dict[str, torch.nn.Module], prompt: Prompt, spec: ImageSpec) -> Tensor:
    return verified(gan.generate(nets, prompt), prompt.count, spec)


BEHAVIOUR: dict[str, Callable[[Builder, ImageSpec], str]] = {
    "declaration": _declares,
    "updates": _moves_exactly_its_player,
    "seeds": _seeds,
    "checkpoint": _checkpoint,
    "generate": _images,
    "images counted": _counts_images,
    "without labels": _unlabelled,
    "bfloat16": _bf16,
}
