"""Nearest neighbours, exact to float64 at the speed of the features' own precision.

Distances come from one matrix product per block, |x|^2 + |y|^2 - 2 x.y, of features centred first: a common offset would
otherwise drown the differences (in float32 a standard library then reports precision = recall = 1). Whatever such an
approximate distance cannot decide is decided by the sum of (x - y)^2 in float64, so that equal points have distance
zero, ties are ties, and block size, order and device cannot change an answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.features.products import Buffer, inner

BLOCK = 1024  # rows of one block
SPARE = 4  # candidates kept beyond the k nearest, re-ranked in float64
EXACT = 1 << 17  # numbers per exact pass: small enough to stay in the cache


def nearest(points: Tensor, k: int) -> Tensor:
    """Squared distances to the ``k`` nearest other points, ascending; ``points`` (N, D), N > k -> (N, k) float64."""
    rows = _Rows(points, centre_of(points))
    best = _Best(len(points), min(k + 1 + SPARE, len(points)), rows.points)
    room, turned = (_buffer(points) for _ in range(2))
    parts = _parts(len(points))
    for index, a in enumerate(parts):
        for b in parts[index:]:  # those below the diagonal are transposes
            block = _squared_distances(rows, a, rows, b, room)
            best.offer(a, b, block)
            if a != b:
                best.offer(b, a, turned.block(*block.T.shape).copy_(block.T))
    exact = _exact_candidates(points, points, best.index)
    return exact.sort(1).values[:, 1 : k + 1]  # the first is the point itself (or its equal)


def nearest_to(queries: Tensor, points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of ``points`` (N, D) to each query (M, D): squared distances (M, k) float64, indices (M, k)."""
    centre = centre_of(points)
    q, p = _Rows(queries, centre), _Rows(points, centre)
    best = _Best(len(queries), min(k + SPARE, len(points)), q.points)
    room = _buffer(points)
    for a in _parts(len(queries)):
        for b in _parts(len(points)):
            best.offer(a, b, _squared_distances(q, a, p, b, room))
    distance, order = _exact_candidates(queries, points, best.index).sort(dim=1, stable=True)
    return distance[:, :k], best.index.gather(1, order)[:, :k]


def balls(real: Tensor, fake: Tensor) -> Iterator[tuple[slice, slice, "Block"]]:
    """Blocks of all pairs (real, fake), each able to say exactly who is inside whose ball until the next is asked for."""
    centre = centre_of(real)
    r, f = _Rows(real, centre), _Rows(fake, centre)
    room = _buffer(real)
    certain, possible = (Buffer(BLOCK**2, torch.bool, real.device) for _ in range(2))
    for a in _parts(len(real)):
        for b in _parts(len(fake)):
            slack = r.tolerance * (r.norms[a, None].double() + f.norms[b].max().double())
            block = _squared_distances(r, a, f, b, room)
            yield a, b, Block(real[a], fake[b], block, slack, certain.block(*block.shape), possible.block(*block.shape))


@dataclass(frozen=True)
class Block:
    """Approximate squared distances between some real and some fake points, with the means to settle close calls."""

    real: Tensor  # (R, D)
    fake: Tensor  # (F, D)
    approximate: Tensor  # (R, F)
    slack: Tensor  # (R, 1) float64: bound of the approximation's error
    certain: Tensor  # (R, F) bool, room for answers
    possible: Tensor  # (R, F) bool

    def inside(self, squared_radii: Tensor, closed: bool) -> Tensor:
        """(R, F) bool: distance <= radius (``closed``) or < radius; radii (R, 1) of real or (1, F) of fake points.

        The answer is valid until the next question.
        """
        dtype = self.approximate.dtype
        torch.lt(self.approximate, (squared_radii - self.slack).to(dtype), out=self.certain)
        torch.le(self.approximate, (squared_radii + self.slack).to(dtype), out=self.possible)
        open_question = self.possible.bitwise_xor_(self.certain)
        if open_question.any():
            row, column = open_question.nonzero(as_tuple=True)
            exact = _exact_pairs(self.real, self.fake, row, column)
            radius = squared_radii.expand(self.approximate.shape)[row, column]
            self.certain[row, column] = exact <= radius if closed else exact < radius
        return self.certain


def centre_of(points: Tensor) -> Tensor:
    """The mean of the rows, float64."""
    total = torch.zeros(points.shape[1], dtype=torch.float64, device=points.device)
    for part in _parts(len(points)):
        total += points[part].sum(0, dtype=torch.float64)
    return total / len(points)


class _Rows:
    """Centred rows with their squared norms, in the precision of the points."""

    def __init__(self, points: Tensor, centre: Tensor):
        self.points = torch.empty_like(points)
        for part in _parts(len(points)):
            self.points[part] = points[part] - centre
        self.norms = self.points.square().sum(1)
        # Rounding of a product of D terms grows like sqrt(D); the factor leaves room for an unlucky order of summation.
        self.tolerance = torch.finfo(points.dtype).eps * max(8.0, points.shape[1] ** 0.5)


class _Best:
    """The smallest approximate distances seen so far for each row, and whose they are."""

    def __init__(self, rows: int, size: int, like: Tensor):
        self.size = size
        self.distance = like.new_full((rows, size), torch.inf)
        self.index = torch.zeros(rows, size, dtype=torch.int64, device=like.device)

    def offer(self, rows: slice, columns: slice, block: Tensor) -> None:
        """Merge a block of distances from ``rows`` to ``columns``."""
        distance, index = block.topk(min(self.size, block.shape[1]), dim=1, largest=False, sorted=False)
        distance = torch.cat([self.distance[rows], distance], 1)
        index = torch.cat([self.index[rows], index + columns.start], 1)
        self.distance[rows], kept = distance.topk(self.size, dim=1, largest=False, sorted=False)
        self.index[rows] = index.gather(1, kept)


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


def _buffer(like: Tensor) -> Buffer:
    return Buffer(BLOCK**2, like.dtype, like.device)


def _squared_distances(x: _Rows, a: slice, y: _Rows, b: slice, room: Buffer) -> Tensor:
    """|x|^2 + |y|^2 - 2 x.y, (len a, len b); off by at most the tolerance times the sum of the squared norms."""
    rows = x.points[a]
    columns = rows if x is y and a == b else y.points[b]
    block = inner(rows, columns, out=room.block(len(rows), len(columns)))
    return block.mul_(-2).add_(y.norms[b]).add_(x.norms[a, None])


def _exact_candidates(queries: Tensor, points: Tensor, index: Tensor) -> Tensor:
    """Squared distances in float64 from each query to its candidates; ``index`` (M, C) -> (M, C)."""
    row = torch.arange(len(queries), device=index.device).repeat_interleave(index.shape[1])
    return _exact_pairs(queries, points, row, index.reshape(-1)).view_as(index)


def _exact_pairs(x: Tensor, y: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Sum of (x[row] - y[column])^2 in float64, (len(row),)."""
    found = torch.empty(len(row), dtype=torch.float64, device=x.device)
    step = max(EXACT // x.shape[1], 1)
    for start in range(0, len(row), step):
        part = slice(start, start + step)
        found[part] = x[row[part]].double().sub_(y[column[part]]).square_().sum(1)
    return found
