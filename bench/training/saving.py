"""The whole state of a training as tensors and plain values, and a training from it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bench.gan import GAN, Now
from bench.training.execution import Execution
from bench.training.parts import Parts
from bench.training.team import Team

STATE_VERSION = 2  # another version is refused


class Position(Protocol):
    """Where a supply of batches stands."""

    def state_dict(self) -> dict[str, Any]:
        """The exact position."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a position."""
        ...


class Run(Protocol):
    """What of a training is saved."""

    gan: GAN
    execution: Execution
    team: Team
    averages: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    rates: dict[str, list[float]]
    random: torch.Generator
    parts: Parts | None
    first_bad_step: Tensor
    updates: dict[str, int]
    now: Now

    @property
    def batches(self) -> Position:
        """What it trains on."""
        ...

    def enter(self, stage: int) -> None:
        """Begin a stage."""
        ...


def saved(run: Run) -> dict[str, Any]:
    """All that the future of a run depends on. The leader of a team makes the others give what is theirs."""
    players = run.gan.players.items()
    if run.team.leads:
        run.team.tell("state")
    return {
        "version": STATE_VERSION,
        "threads": torch.get_num_threads(),
        "nets": {name: player.net.state_dict() for name, player in players},
        "averages": {name: net.state_dict() for name, net in run.averages.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in run.optimisers.items()},
        "rates": run.rates,
        "memory": {name: module.state_dict() for name, module in run.gan.state.items()},
        "random": run.random.get_state(),
        **({"parts": run.parts.state_dict()} if run.parts else {}),
        "torch_random": torch.get_rng_state(),
        "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "batches": run.batches.state_dict(),
        "first_bad_step": run.first_bad_step.cpu(),
        "updates": dict(run.updates),
        "now": {"images": run.now.images, "step": run.now.step, "stage": run.now.stage},
    }


def restore(run: Run, state: Mapping[str, Any]) -> None:
    """Make a training the one that was saved (`Training.load_state_dict`), and those of the leader's team with it."""
    if run.team.leads and run.team.size > 1:
        run.team.tell("load")
        run.team.share(state)
    if state["version"] != STATE_VERSION:
        raise ValueError(f"it has version {state['version']} of the format, expected {STATE_VERSION}")
    if ("parts" in state) != (run.parts is not None):
        raise ValueError("its batches are whole and those of this run are in parts, or the other way round")
    if run.execution.device.type == "cpu":
        torch.set_num_threads(state["threads"])
    _restore_modules(run, state)
    run.rates = state["rates"]
    run.random.set_state(state["random"])
    if run.parts:
        run.parts.load_state_dict(state["parts"])
    torch.set_rng_state(state["torch_random"])
    if state["cuda_random"]:
        torch.cuda.set_rng_state_all(state["cuda_random"])
    run.batches.load_state_dict(state["batches"])
    run.first_bad_step.copy_(state["first_bad_step"])
    run.updates = dict(state["updates"])
    run.now = replace(run.now, **state["now"])


def _restore_modules(run: Run, state: Mapping[str, Any]) -> None:
    run.enter(state["now"]["stage"])
    for name, player in run.gan.players.items():
        player.net.load_state_dict(state["nets"][name])
    for name, net in run.averages.items():
        net.load_state_dict(state["averages"][name])
    for name, optimiser in run.optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
    for name, module in run.gan.state.items():
        module.load_state_dict(state["memory"][name])
