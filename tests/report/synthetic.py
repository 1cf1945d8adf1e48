"""A results folder that never ran: plausible records of a few members, with small pictures beside them."""

import hashlib
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from bench.files import digest
from bench.records import record

NET = "digits-cnn"
METRICS: dict[str, Literal["lower", "higher"]] = {
   "fid": "lower", "kid": "lower", "inception-score": "higher", "precision": "higher", "recall": "higher",
           "density": "higher", "coverage": "higher"}  # fmt: skip
POINTS = 8
IMAGES = 200_000
PROTOCOL = {
    "track": "fixed",
    "data": {"name": "digits", "resolution": 16, "flip": False},
    "training": {"images": IMAGES, "batch_size": 64, "precision": "fp32"},
    "evaluation": {
        "metrics": [f"{name}@{NET}" for name in METRICS],
        "samples": 1000,
        "sample_seeds": [0],
        "every": IMAGES // POINTS,
        "curve_samples": 500,
        "selection": f"fid@{NET}:held-out",
    },
    "facts": {
        "data": {"digest": "a" * 64, "train": 1500, "held-out": 297, "preprocessing": "bilinear 8 -> 16"},
        "extractors": {NET: {"digest": "b" * 64, "features": 64}},
    },
}
MACHINE = record.Environment(
    python="3.11.2", system="Linux 6.1 x86_64", cpu="Generic CPU", cores=2, memory_bytes=8 << 30, accelerator=None,
    threads=2, packages={"torch": "2.14.1", "numpy": "2.4.0"}, device="cpu", channels_last=False, compiled=False,
    commit="0123456789abcdef0123456789abcdef01234567", dirty=False,
)  # fmt: skip
Painter = Callable[[np.random.Generator, int, int, float], np.ndarray]


def blobs(rng: np.random.Generator, rows: int, columns: int, quality: float) -> np.ndarray:
    """A grid of soft blobs, (rows * 16, columns * 16) uint8; noise fades as `quality` goes from 0 to 1."""
    y, x = np.mgrid[0:16, 0:16]
    grid = np.zeros((rows * 16, columns * 16))
    for row in range(rows):
        for column in range(columns):
            cy, cx, size = [*rng.uniform(5, 11, 2).tolist(), rng.uniform(2, 4)]
            cell = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / size**2) + (1 - quality) * rng.normal(0, 0.5, (16, 16))
            grid[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = cell
    return (grid.clip(0, 1) * 255).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """PNG bytes of uint8 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def write_results(
    root: Path,
    members: Sequence[str],
    seeds: Sequence[int] = (0, 1, 2),
    suite: str = "toy",
    paint: Painter = blobs,
    statuses: dict[tuple[str, int], record.Status] | None = None,
    skip: Sequence[tuple[str, int]] = (),
) -> list[Path]:
    """Records of every member and seed with pictures beside them; the first members are the better ones."""
    return [
        write_run(root, suite, member, place, seed, paint, (statuses or {}).get((member, seed), "ok"))
        for place, member in enumerate(members)
        for seed in seeds
        if (member, seed) not in skip
    ]


def write_run(
    root: Path, suite: str, member: str, place: int, seed: int, paint: Painter, status: record.Status
) -> Path:
    """One record and its pictures. A third of the places share the level of the place before them."""
    rng = np.random.default_rng([place, seed])
    level = 6.0 * 1.25 ** (place - place // 3) * math.exp(rng.normal(0, 0.04))
    curve = _curve(rng, level, place)
    kept = curve if status == "ok" else curve[: POINTS // 2]
    job = record.job_digest(member, "c" * 64, digest(PROTOCOL), seed)
    made = record.Record(
        suite=suite, suite_version="1.0.0", track="fixed", protocol_digest=digest(PROTOCOL), protocol=PROTOCOL,
        ranking=f"fid@{NET}",
        member=record.Member(
            name=member, entry_point=f"zoo.{member.replace('-', '_')}:build", distribution="gan-bench 0.1.0",
            source_digest="c" * 64, task="unconditional",
            role="calibration" if member.startswith("real-") else "member",
        ),
        seed=seed, job=job, status=status,
        diverged_at_step=1562 if status == "diverged" else None,
        failure=record.Failure(phase="train", type="RuntimeError", message="boom <b>", traceback_tail=("line 1", "line 2"))
        if status in ("failed", "out-of-memory") else None,
        images_seen=kept[-1].images, steps=kept[-1].step,
        updates={"critic": kept[-1].step, "generator": kept[-1].step},
        parameters={"critic": 660_000 + 1000 * place, "generator": 1_100_000 + 90_000 * place},
        seconds={"train": kept[-1].train_seconds, "evaluate": 21.0 + place, "generate": 1.5 + 0.2 * (place * 3 % 7)},
        peak_memory_bytes=(300 + 10 * place) << 20,
        curve=tuple(kept), best_images=kept[-2].images,
        scores=tuple(score for checkpoint in ("last", "best") for score in _scores(rng, level, checkpoint)) if status == "ok" else (),
        artifacts=tuple(_artifacts(root / suite / member, rng, f"{seed}-{job}", kept, paint, level, status)),
        environment=MACHINE, command=f"bench run --suite {suite} --member {member} --seed {seed}",
        started="2026-11-22T10:00:00Z", finished=f"2026-11-22T10:0{seed}:00Z",
    )  # fmt: skip
    return record.write(made, root)


def _scores(rng: np.random.Generator, level: float, checkpoint: Literal["last", "best"]) -> list[record.Score]:
    level = level * (0.97 if checkpoint == "best" else 1.0)
    return [
        record.Score(
            metric=f"{name}@{NET}", version=1, better=better, value=value, checkpoint=checkpoint, samples_real=1500,
            samples_fake=1000, sample_seed=0,
        )
        for (name, better), value in zip(METRICS.items(), _values(rng, level), strict=True)
    ]  # fmt: skip


def _values(rng: np.random.Generator, level: float) -> list[float]:
    noise = np.exp(rng.normal(0, 0.03, 7))
    good = math.exp(-level / 30)
    raw = [level, level / 900, 1 + 8.5 * good, 0.9 * good + 0.05, 0.85 * good, 1.05 * good, 0.95 * good]
    low = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    high = [math.inf, math.inf, math.inf, 1.0, 1.0, math.inf, 1.0]
    return [float(min(max(value * factor, a), b)) for value, factor, a, b in zip(raw, noise, low, high, strict=True)]


def _curve(rng: np.random.Generator, level: float, place: int) -> list[record.Point]:
    points = []
    for index in range(1, POINTS + 1):
        done = index / POINTS
        now = level * (1 + 9 * math.exp(-5 * done)) * math.exp(rng.normal(0, 0.05))
        values = _values(rng, now)
        points.append(
            record.Point(
                images=index * IMAGES // POINTS,
                step=index * IMAGES // POINTS // 64,
                train_seconds=done * (40 + 12 * (place * 5 % 7) + 2 * place),
                terms={
                    "critic/loss": 1.2 * math.exp(-done) + rng.normal(0, 0.03),
                    "generator/loss": 0.8 + 0.9 * done + rng.normal(0, 0.03),
                    "critic/gradient_norm": 2.0 + rng.normal(0, 0.1),
                    "generator/gradient_norm": 1.0 * math.exp(-done) + 0.2,
                    "critic/accuracy_real": min(1.0, 0.7 + 0.03 * place + 0.1 * done),
                    "critic/accuracy_fake": min(1.0, 0.72 + 0.03 * place + 0.1 * done),
                },
                scores={f"{name}@{NET}:held-out": value for name, value in zip(METRICS, values, strict=True)},
            )
        )
    return points


def _artifacts(
    folder: Path, rng: np.random.Generator, stem: str, curve: Sequence[record.Point], paint: Painter, level: float,
    status: record.Status,
) -> list[record.Artifact]:  # fmt: skip
    """Grids over training and, of a run that finished, everything that it shows at its end."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [
        _picture(folder, rng, stem, "grid", (8, 8), point.images, paint, level) for point in [*curve[::2], *curve[-1:]]
    ]
    if status == "ok":
        last = curve[-1].images
        made += [_picture(folder, rng, stem, kind, shape, last, paint, level) for kind, shape in SHAPES.items()]
        made[-2] = made[-2].model_copy(update={"note": f"Realism 1.3 to 0.9 among {NOTE}."})
        made.append(_file(folder / f"{stem}-nearest-feature-{last}.txt", "nearest-feature", WITHHELD.encode(), last))
        made.append(
            _file(folder / f"{stem}-nearest-distances-{last}.csv", "nearest-distances", _distances(rng, level), last)
        )
        made.append(_file(folder / f"{stem}-fid-by-samples-{last}.csv", "fid-by-samples", _sizes(rng, level), last))
    return made


SHAPES = {"classes": (10, 8), "interpolation": (6, 10), "truncation": (4, 8), "nearest-pixel": (6, 8), "best": (2, 8),
          "worst": (2, 8)}  # fmt: skip
NOTE = "<i>600</i> samples"
WITHHELD = "not kept: it holds real images of <b>faces</b>, which are not for republishing"


def _picture(
    folder: Path, rng: np.random.Generator, stem: str, kind: str, shape: tuple[int, int], images: int, paint: Painter,
    level: float,
) -> record.Artifact:  # fmt: skip
    content = png(paint(rng, *shape, images / IMAGES * math.exp(-level / 60)))
    return _file(folder / f"{stem}-{kind}-{images}.png", kind, content, images)


def _file(path: Path, kind: str, content: bytes, images: int) -> record.Artifact:
    path.write_bytes(content)
    return record.Artifact(kind=kind, path=path.name, sha256=hashlib.sha256(content).hexdigest(), images=images)


def _distances(rng: np.random.Generator, level: float) -> bytes:
    lines = [
        f"{space},{images},{distance:.6g}"
        for space, scale in (("pixels", 0.1), (NET, 8.0))
        for images, shift in (("samples", level / 60), ("held-out", 0.0))
        for distance in sorted(scale * (1 + shift) * rng.gamma(9.0, 1 / 9.0, 300))
    ]
    return "\n".join(["space,images,distance", *lines, ""]).encode()


def _sizes(rng: np.random.Generator, level: float) -> bytes:
    lines = [f"fid@{NET},{count},{level + 300 / count + rng.normal(0, 0.05)},\n" for count in range(100, 1001, 100)]
    return "".join(["metric,samples,fid,error\n", *lines, f"fid@{NET},inf,{level},0.05\n"]).encode()
