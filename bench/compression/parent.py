"""The trained member that is compressed: its record, its suite on this machine, its generator with all norms folded in."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bench.errors import UserError
from bench.gan import GAN, Nets, Prompt
from bench.perf.traceable import Exportable, exportable
from bench.records import record as records
from bench.records.record import Record
from bench.runs import trained_model
from bench.runs.experiment import Experiment
from bench.runs.verify import experiment_of
from bench.training import checkpoint


@dataclass(frozen=True)
class Parent:
    """What is compressed."""

    experiment: Experiment
    record: Record
    gan: GAN
    module: Exportable  # the networks that sampling needs, and no others; averaged, in eval mode, norms folded

    def nets(self) -> dict[str, nn.Module]:
        """A copy of the networks by name, to be changed."""
        return {name: deepcopy(net) for name, net in self.module.nets.items()}

    def sampler(self, nets: Mapping[str, nn.Module]) -> GAN:
        """The member with these networks, to be sampled and nothing else."""

        def generate(_: Nets, prompt: Prompt) -> Tensor:
            return self.gan.generate(nets, prompt)

        return replace(self.gan, players={}, schedule=(), generate=generate, styles=None)


def load(source: Path, results: Path, data_root: Path | None = None) -> Parent:
    """From a record, or from the checkpoint (last.pt) of one below `results`.

    Raises UserError for a checkpoint that is damaged or of another version of its member or suite, for the best
    checkpoint, and for a row that is compressed already or was trained elsewhere.
    """
    path = source if source.suffix == ".json" else _record_of(source, results)
    experiment, _, record = experiment_of(path, "cpu", data_root)
    if record.status != "ok":
        raise UserError(f"{path}: this run ended as {record.status}: there is nothing to compress.")
    trained = trained_model.load(source if source.suffix == ".pt" else record)
    nets = {name: folded(net) for name, net in trained.nets.items()}
    return Parent(experiment, record, trained.gan, exportable(trained.gan, nets, trained.spec).eval())


def _record_of(source: Path, results: Path) -> Path:
    if source.name != "last.pt":
        raise UserError(f"{source}: only the end of a run is compressed. Give its last.pt, or the run's record.")
    identity = checkpoint.identity_of(checkpoint.load(source), source)
    job = records.job_digest(identity.member, identity.source_digest, identity.protocol_digest, identity.seed)
    path = results / identity.suite / identity.member / f"{records.file_stem(identity.seed, job)}.json"
    if not path.is_file():
        raise UserError(f"{source}: its record {path} is not there: a copy is held against it. Give --results.")
    return path


@torch.no_grad()
def folded(net: nn.Module) -> nn.Module:
    """A copy whose parametrisations, such as spectral norm, are plain weights: its numbers are the same in eval mode."""
    copy = deepcopy(net).eval()
    for layer in [layer for layer in copy.modules() if parametrize.is_parametrized(layer)]:
        names = list(dict(layer.parametrizations.named_children()))  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
        weights = {name: getattr(layer, name).detach().clone() for name in names}
        plain = parametrize.type_before_parametrizations(layer)
        del layer.parametrizations
        layer.__class__ = plain  # remove_parametrizations would change the class, which the original has too
        for name, weight in weights.items():
            layer.register_parameter(name, nn.Parameter(weight, requires_grad=False))
    return copy
