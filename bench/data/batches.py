"""Endless shuffled batches of a split, on the device, at an exact position that can be saved.

Every image is shown equally often: an epoch is a permutation, and what is left of it when a batch needs more goes into
that batch, before the first images of the next permutation. Pictures stay uint8 until they are on the device; there
they are flipped and scaled to [-1, 1] by x / 127.5 - 1. No step waits for the device.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from bench.data.dataset import Split
from bench.gan import Batch

PREFETCH = 4  # batches that are gathered ahead when a set streams from the disk
SOURCE_STREAM = 0x9E3779B97F4A7C15  # sets the order of unpaired sources apart from that of the images


class Order:
    """The endless sequence of (row, mirrored?) of a table, drawn from its own generator.

    An epoch draws a permutation, then one coin per row. Its state is the generator's state before the epoch, and how
    many rows of the epoch were given away.
    """

    def __init__(self, rows: int, seed: int, flip: bool, device: torch.device):
        self.rows, self.flip, self.device = rows, flip, device
        self.generator = torch.Generator().manual_seed(seed % 2**63)
        self._start_epoch(0)

    def _start_epoch(self, position: int) -> None:
        self.epoch_state = self.generator.get_state()
        self.position = position
        permutation = torch.randperm(self.rows, generator=self.generator)
        coins = torch.randint(2, (self.rows,), generator=self.generator).bool() if self.flip else None
        self.permutation = _to(permutation, self.device)
        self.coins = None if coins is None else _to(coins, self.device)

    def take(self, count: int) -> tuple[Tensor, Tensor | None]:
        """The next rows (count,) int64 and whether each is mirrored (count,) bool, on the device."""
        rows, coins = [], []
        while count:
            if self.position == self.rows:
                self._start_epoch(0)
            end = min(self.position + count, self.rows)
            rows.append(self.permutation[self.position : end])
            if self.coins is not None:
                coins.append(self.coins[self.position : end])
            count -= end - self.position
            self.position = end
        return _joined(rows), _joined(coins) if coins else None

    def state_dict(self) -> dict[str, Any]:
        """Where the sequence stands: about 5 kB, whatever the size of the table."""
        return {"rows": self.rows, "flip": self.flip, "epoch_state": self.epoch_state, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        if (state["rows"], state["flip"]) != (self.rows, self.flip):
            raise ValueError(
                f"data position of {state['rows']} rows, flip={state['flip']}; "
                f"this split has {self.rows} rows, flip={self.flip}"
            )
        self.generator.set_state(state["epoch_state"].cpu())
        self._start_epoch(state["position"])


class Batches:
    """Endless shuffled batches of `split` on `device`.

    The pictures are copied to the device as uint8 once when they take at most `memory_limit_bytes` (default: a quarter
    of the device's memory); a larger set streams from its memory map, gathered by a thread ahead of its use. Both give
    the same batches, bit for bit.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        seed: int,
        device: torch.device | str,
        flip: bool = False,
        memory_limit_bytes: int | None = None,
    ):
        self.split, self.batch_size, self.device = split, batch_size, torch.device(device)
        limit = default_memory_limit(self.device) if memory_limit_bytes is None else memory_limit_bytes
        self.resident = _bytes(split) <= limit
        order_device = self.device if self.resident else torch.device("cpu")
        self.order = Order(len(split.images), seed, flip, order_device)
        self.source_order: Order | None = None
        if split.source is not None and not split.paired:
            self.source_order = Order(len(split.source), seed ^ SOURCE_STREAM, flip, order_device)
        self._labels = None if split.labels is None else torch.from_numpy(np.array(split.labels)).to(order_device)
        if self.resident:
            self._images = _resident(split.images, self.device)
            self._source = None if split.source is None else _resident(split.source, self.device)
        else:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bench-data")
            self._ahead: deque[tuple[Future[Batch], dict[str, Any]]] = deque()
            self._state = self._positions()

    def next(self) -> Batch:
        """The next batch: images (N, C, H, W) and source float32 in [-1, 1], labels (N,) int64 or None."""
        if self.resident:
            return self._draw_resident()
        while len(self._ahead) < PREFETCH:
            self._submit()
        future, self._state = self._ahead.popleft()
        batch = future.result()
        self._submit()
        return batch

    def state_dict(self) -> dict[str, Any]:
        """The exact position: which images were given away so far."""
        return self._positions() if self.resident else self._state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly after the last batch that was given when `state_dict` was called."""
        self.order.load_state_dict(state["images"])
        if self.source_order is not None:
            self.source_order.load_state_dict(state["source"])
        if not self.resident:
            self._ahead.clear()
            self._state = self._positions()

    def _positions(self) -> dict[str, Any]:
        state = {"images": self.order.state_dict()}
        if self.source_order is not None:
            state["source"] = self.source_order.state_dict()
        return state

    def _draw_resident(self) -> Batch:
        rows, coins = self.order.take(self.batch_size)
        source = None
        if self._source is not None:
            source_rows, source_coins = (
                (rows, coins) if self.source_order is None else self.source_order.take(self.batch_size)
            )
            source = normalise(self._source[source_rows], source_coins)
        labels = None if self._labels is None else self._labels[rows]
        return Batch(images=normalise(self._images[rows], coins), labels=labels, source=source)

    def _submit(self) -> None:
        """Draw the next rows here, in order, and leave the reading to the thread."""
        rows, coins = self.order.take(self.batch_size)
        source_rows, source_coins = (
            (rows, coins) if self.source_order is None else self.source_order.take(self.batch_size)
        )
        future = self._thread.submit(self._gather, rows, coins, source_rows, source_coins)
        self._ahead.append((future, self._positions()))

    def _gather(self, rows: Tensor, coins: Tensor | None, source_rows: Tensor, source_coins: Tensor | None) -> Batch:
        split, source = self.split, None
        if split.source is not None:
            source = self._read(split.source, source_rows, source_coins)
        labels = None if self._labels is None else _to(self._labels[rows], self.device)
        return Batch(images=self._read(split.images, rows, coins), labels=labels, source=source)

    def _read(self, table: np.ndarray, rows: Tensor, coins: Tensor | None) -> Tensor:
        """Rows of a memory map, read in file order, as a normalised batch on the device."""
        in_file_order, back = torch.sort(rows)
        pictures = torch.from_numpy(np.ascontiguousarray(table[in_file_order.numpy()]))
        pictures = _to(pictures[torch.argsort(back)], self.device)
        return normalise(pictures, None if coins is None else _to(coins, self.device))


def normalise(pictures: Tensor, mirrored: Tensor | None = None) -> Tensor:
    """uint8 (N, C, H, W) -> float32 in [-1, 1], the rows where `mirrored` (N,) is true flipped left to right."""
    if mirrored is not None:
        pictures = torch.where(mirrored[:, None, None, None], pictures.flip(-1), pictures)
    return pictures.to(torch.float32).div_(127.5).sub_(1.0)


def default_memory_limit(device: torch.device) -> int:
    """How many bytes of pictures may live on the device: a quarter of its memory, 2 GiB where that is unknown."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 4
    if device.type == "cpu":
        return psutil.virtual_memory().total // 4
    return 2 << 30


def _bytes(split: Split) -> int:
    return split.images.nbytes + (0 if split.source is None else split.source.nbytes)


def _resident(table: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.array(table)).to(device)


def _to(tensor: Tensor, device: torch.device) -> Tensor:
    """To the device without waiting for it."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
