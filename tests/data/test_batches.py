from collections import Counter

import numpy as np
import pytest
import torch

from bench.data import Split
from bench.data.batches import Batches, normalise


def numbered(count: int, channels: int = 1, side: int = 8) -> np.ndarray:
    """Pictures that carry their row in the first pixel and are not symmetric."""
    images = np.zeros((count, channels, side, side), np.uint8)
    images[:, :, :, 0] = np.arange(count)[:, None, None]
    images[:, :, :, -1] = 255
    return images


def rows_of(images: torch.Tensor) -> list[int]:
    """The rows that numbered() put into the pictures, mirrored or not."""
    pixels = ((images[:, 0, 0] + 1) * 127.5).round().int()
    return [int(min(line[0], line[-1])) for line in pixels]


def labelled(count: int) -> Split:
    return Split(numbered(count), labels=np.arange(count, dtype=np.int64))


@pytest.mark.parametrize("limit", [None, 0])
def test_every_image_is_shown_equally_often_and_what_is_left_goes_into_the_next_epoch(limit):
    batches = Batches(labelled(10), 4, seed=3, device="cpu", memory_limit_bytes=limit)
    shown = [label for _ in range(15) for label in batches.next().labels.tolist()]  # 60 images: six epochs
    for epoch in range(6):
        assert sorted(shown[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert shown[:10] != shown[10:20]


@pytest.mark.parametrize("limit", [None, 0])
def test_a_batch_may_be_larger_than_the_set(limit):
    batch = Batches(labelled(3), 8, seed=0, device="cpu", memory_limit_bytes=limit).next()
    assert set(Counter(batch.labels.tolist()).values()) <= {2, 3}
    assert batch.images.shape == (8, 1, 8, 8)


@pytest.mark.parametrize("limit", [None, 0])
def test_labels_belong_to_their_images(limit):
    batches = Batches(labelled(20), 6, seed=1, device="cpu", flip=True, memory_limit_bytes=limit)
    for _ in range(10):
        batch = batches.next()
        assert rows_of(batch.images) == batch.labels.tolist()
        assert batch.labels.dtype == torch.int64


def test_pixels_are_scaled_to_minus_one_and_one():
    pixels = torch.tensor([0, 51, 127, 255], dtype=torch.uint8).reshape(1, 1, 2, 2)
    expected = torch.tensor([-1.0, -0.6, 127 / 127.5 - 1, 1.0]).reshape(1, 1, 2, 2)
    assert torch.allclose(normalise(pixels), expected, atol=1e-7)
    assert normalise(pixels).dtype == torch.float32


def test_mirrored_rows_are_exactly_the_mirror_image():
    pixels = torch.arange(24, dtype=torch.uint8).reshape(2, 1, 3, 4)
    got = normalise(pixels, torch.tensor([True, False]))
    assert torch.equal(got[0], normalise(pixels)[0].flip(-1))
    assert torch.equal(got[1], normalise(pixels)[1])


def test_about_half_is_mirrored_and_none_without_being_asked():
    for flip, low, high in ((True, 400, 600), (False, 0, 0)):
        batches = Batches(labelled(100), 100, seed=0, device="cpu", flip=flip)
        mirrored = sum(int((batches.next().images[:, 0, 0, 0] == 1).sum()) for _ in range(10))
        assert low <= mirrored <= high


def test_a_streamed_set_gives_the_same_batches_bit_for_bit(tmp_path):
    np.save(tmp_path / "images.npy", numbered(50, 3))
    split = Split(np.load(tmp_path / "images.npy", mmap_mode="r"), labels=np.arange(50))
    resident = Batches(split, 7, seed=5, device="cpu", flip=True)
    streamed = Batches(split, 7, seed=5, device="cpu", flip=True, memory_limit_bytes=split.images.nbytes - 1)
    assert resident.resident
    assert not streamed.resident
    for _ in range(25):
        one, other = resident.next(), streamed.next()
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)


@pytest.mark.parametrize("first", [None, 0])
@pytest.mark.parametrize("second", [None, 0])
@pytest.mark.parametrize("steps", [0, 1, 5, 7, 23])
def test_a_restored_position_continues_exactly(first, second, steps):
    """Also when the set was resident before and streams now, or the other way round."""
    uninterrupted = Batches(labelled(10), 4, seed=2, device="cpu", flip=True, memory_limit_bytes=first)
    for _ in range(steps):
        uninterrupted.next()
    restored = Batches(labelled(10), 4, seed=99, device="cpu", flip=True, memory_limit_bytes=second)
    restored.next()
    restored.load_state_dict(uninterrupted.state_dict())
    for _ in range(12):
        assert torch.equal(restored.next().images, uninterrupted.next().images)


def test_a_saved_position_does_not_move_with_the_batches():
    batches = Batches(labelled(10), 4, seed=2, device="cpu")
    state = batches.state_dict()
    expected = [batches.next().labels.tolist() for _ in range(8)]
    batches.load_state_dict(state)
    assert [batches.next().labels.tolist() for _ in range(8)] == expected


def test_a_position_of_another_set_is_refused():
    state = Batches(labelled(10), 4, seed=0, device="cpu").state_dict()
    with pytest.raises(ValueError, match="10 rows"):
        Batches(labelled(11), 4, seed=0, device="cpu").load_state_dict(state)


@pytest.mark.parametrize("limit", [None, 0])
def test_pairs_stay_together_and_are_mirrored_together(limit):
    split = Split(numbered(12, 3), source=numbered(12, 1))
    batches = Batches(split, 5, seed=4, device="cpu", flip=True, memory_limit_bytes=limit)
    for _ in range(6):
        batch = batches.next()
        assert torch.equal(batch.images[:, :1], batch.source)
        assert batch.labels is None


@pytest.mark.parametrize("limit", [None, 0])
def test_unpaired_sources_have_an_order_of_their_own(limit):
    split = Split(numbered(12), source=numbered(8), paired=False)
    batches = Batches(split, 4, seed=4, device="cpu", memory_limit_bytes=limit)
    drawn = [batches.next() for _ in range(6)]
    images = [row for batch in drawn for row in rows_of(batch.images)]
    sources = [row for batch in drawn for row in rows_of(batch.source)]
    assert sorted(images) == sorted([*range(12)] * 2)
    assert sorted(sources) == sorted([*range(8)] * 3)
    state = batches.state_dict()
    expected = [rows_of(batches.next().source) for _ in range(5)]
    batches.load_state_dict(state)
    assert [rows_of(batches.next().source) for _ in range(5)] == expected


def test_seeds_decide_and_the_global_generator_is_left_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    orders = [
        Batches(labelled(50), 50, seed=seed, device="cpu", flip=True).next().labels.tolist() for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert torch.equal(torch.get_rng_state(), before)
