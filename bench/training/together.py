"""What a process of a team does that does not lead it."""

from bench.training.loop import Training


def follow(run: Training) -> None:
    """Do what the leader says, until it has ended."""
    steps = run.steps()
    while (word := run.team.hear()) != "end":
        match word:
            case "step":
                next(steps)
            case "state":
                run.state_dict()
            case "load":
                run.load_state_dict(run.team.share())
