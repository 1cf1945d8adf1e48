"""A process of a team that trains members on made-up images in four parts: python worker_of_a_team.py OUT STEPS FROM MEMBER ...

RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say which. The leader writes every member's state to OUT; FROM holds those to go on from,
or is "-".
"""

import os
import sys

import torch

from bench import members
from bench.gan import ImageSpec
from bench.training.loop import Execution, Training
from bench.training.team import Team, join
from bench.training.together import follow
from bench.training.trial import MadeUpBatches

PARTS = 4


def training(name: str, team: Team) -> Training:
    """A member's training before its first step."""
    spec = ImageSpec(3, 16, classes=3, source_channels=3)
    torch.manual_seed(0)
    gan = members.build(members.listings()[name], spec)
    batches = MadeUpBatches(spec, seed=0, batch_size=2 * PARTS)
    return Training(gan, batches, images=10_000, seed=0, execution=Execution(parts=PARTS), team=team)


def train(run: Training, steps: int) -> dict:
    """The state after some steps of the whole team."""
    going = run.steps()
    for _ in range(steps):
        next(going)
    state = run.state_dict()
    run.team.tell("end")
    return state


def main(out: str, steps: int, begin: str, names: list[str]) -> None:
    torch.set_num_threads(1)
    team = join(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), torch.device("cpu"))
    before = {} if begin == "-" or not team.leads else torch.load(begin, weights_only=True)
    states = {}
    for name in names:
        run = training(name, team)
        if not team.leads:
            follow(run)
            continue
        if name in before:
            run.load_state_dict(before[name])
        states[name] = train(run, steps)
    if team.leads:
        torch.save(states, out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
