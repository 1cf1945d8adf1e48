"""Speed records for people: one block per member, one line per mode."""

from bench import formats
from bench.records import speed_figures
from bench.records.speed import ModeResult, SpeedRecord

NONE = formats.NONE


def render(record: SpeedRecord) -> str:
    """A member's figures as Markdown, with everything that could not be measured and every warning."""
    size = record.size
    player_sizes = ", ".join(f"{name} {formats.count(count)}" for name, count in record.parameters.items())
    lines = [
        f"# {record.member.name}, {size.channels} x {size.resolution} x {size.resolution}",
        "",
        f"{_machine(record)}",
        f"Parameters: {player_sizes}. FLOPs: {flops(record.flops_sample)} per sample, "
        f"{flops(record.flops_training_image)} per training image.",
        "",
        *formats.grid(HEAD, [_line(found) for found in record.modes]),
        *(line for found in record.modes for line in _missing(found)),
        *(f"- WARNING: {words}" for words in record.surroundings.warnings),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


HEAD = (
    "mode",
    "latency p50 / p90 / p99, ms",
    "samples/s (batch)",
    "training images/s",
    "ms per update",
    "first image, s",
    "peak MiB, generation / training",
    "J per 1,000 images",
)


def _line(found: ModeResult) -> list[str]:
    latency, best = speed_figures.latency(found), speed_figures.throughput(found)
    updates = ", ".join(f"{player} {formats.number(ms, 3)}" for player, ms in speed_figures.update_ms(found).items())
    return [
        found.mode,
        " / ".join(formats.number(ms, 3) for ms in (latency.p50, latency.p90, latency.p99)) if latency else NONE,
        f"{formats.number(best.images_per_second, 3)} ({best.batch})" if best else NONE,
        formats.number(speed_figures.training_images_per_second(found), 3),
        updates or NONE,
        formats.number(speed_figures.first_image_seconds(found), 3),
        f"{_mebibytes(found.generation_peak_bytes)} / {_mebibytes(found.training_peak_bytes)}",
        formats.number(speed_figures.joules_per_1000(found), 3),
    ]


def _mebibytes(count: int | None) -> str:
    return NONE if count is None else f"{count / 2**20:,.0f}"


def _missing(found: ModeResult) -> list[str]:
    return [f"- {found.mode}, {what}: {why}" for what, why in found.not_measured.items()]


def _machine(record: SpeedRecord) -> str:
    environment, around = record.environment, record.surroundings
    clock = f" at {around.megahertz:,.0f} MHz" if around.megahertz else ""
    others = f", others used {around.other_cores:.2f} cores" if around.other_cores is not None else ""
    device = environment.accelerator or f"{environment.cpu}{clock}"
    return f"{device}, {environment.threads} threads of {environment.cores} cores{others}."


def flops(count: float) -> str:
    """``209 MFLOP``."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if count >= size:
            return f"{formats.number(count / size, 3)} {unit}FLOP"
    return f"{count:,.0f} FLOP"
