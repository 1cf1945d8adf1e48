"""What a job may spend: images as the suite says, or as many as a budget in compute pays for."""

from dataclasses import dataclass
from fractions import Fraction

from bench import members
from bench.errors import UserError
from bench.gan import GAN, ImageSpec
from bench.records.parts import Compute
from bench.suites.suite import Budget
from bench.training import flops


@dataclass(frozen=True)
class JobBudget:
    """How much one job trains."""

    images: int  # real images that may be drawn
    batch_size: int
    compute: Compute | None = None  # where the suite counts in FLOPs


def resolve(budget: Budget, member: members.Listing, spec: ImageSpec) -> JobBudget:
    """The budget in images: the suite's own, or its FLOPs over those that the member needs per image, rounded down.

    Raises UserError for a member whose FLOPs cannot be counted, or whose first image costs more than there is.
    """
    if budget.flops is None:
        assert budget.images is not None  # exactly one of the two, says the suite
        return JobBudget(budget.images, budget.batch_size)
    cost = _per_image(member, spec, budget.batch_size)
    images = int(Fraction(budget.flops) / cost)
    if not images:
        raise UserError(
            f"member {member.name!r}: needs {float(cost):.3g} FLOPs per training image, and the budget is {budget.flops:.3g}. "
            "Raise [training] flops."
        )
    return JobBudget(images, budget.batch_size, Compute(flops=budget.flops, flops_per_image=float(cost), images=images))


def _per_image(member: members.Listing, spec: ImageSpec, batch_size: int) -> Fraction:
    def build(spec: ImageSpec) -> GAN:
        return members.build(member, spec)

    try:
        return flops.per_image(build, spec, batch_size)
    except (MemoryError, KeyboardInterrupt):
        raise
    except UserError as error:
        said = str(error)
        raise UserError(said if said.startswith("member ") else f"member {member.name!r}: {said}") from None
    except Exception as error:
        raise UserError(
            f"member {member.name!r}: its FLOPs could not be counted, because its training failed: "
            f"{type(error).__name__}: {error}. Run `bench check {member.argument}`."
        ) from error
