import torch

from zoo.training.pools import HistoryPool, ReplayPool


def numbered(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count, dtype=torch.float32).view(count, 1, 1, 1)


def test_until_it_is_full_the_pool_only_takes():
    pool, random = ReplayPool(4, (1, 1, 1)), torch.Generator().manual_seed(0)
    assert torch.equal(pool(numbered(0, 4), random), numbered(0, 4))
    assert torch.equal(pool(numbered(10, 4), random), numbered(10, 4))
    assert pool.images.flatten().tolist() == [0, 1, 10, 11]
    assert pool.filled == 4


def test_a_full_pool_gives_half_a_batch_of_old_images_and_takes_as_many_new_ones():
    pool, random = ReplayPool(4, (1, 1, 1)), torch.Generator().manual_seed(0)
    for start in (0, 10):
        pool(numbered(start, 4), random)
    before = set(pool.images.flatten().tolist())
    mixed = pool(numbered(20, 4), random).flatten().tolist()
    assert mixed[2:] == [22, 23]
    assert len(set(mixed[:2])) == 2
    assert set(mixed[:2]) <= before
    assert set(pool.images.flatten().tolist()) == before - set(mixed[:2]) | {20, 21}


def test_an_image_of_the_pool_is_replaced_in_the_mean_after_capacity_over_half_a_batch():
    """Each call replaces 4 of 32 at random: an image stays 8 calls in the mean, geometrically distributed."""
    pool, random = ReplayPool(32, (1, 1, 1)), torch.Generator().manual_seed(0)
    ages = []
    for call in range(2000):
        mixed = pool(torch.full((8, 1, 1, 1), float(call)), random).flatten()
        if call > 100:
            ages.append(call - mixed[:4])
    ages = torch.cat(ages)
    assert abs(ages.mean() - 8) < 0.3
    assert abs(ages.var().sqrt() - (8 * 7) ** 0.5) < 0.4  # of a geometric variable with p = 1/8
    assert ages.min() == 1


def test_a_batch_that_does_not_divide_the_capacity_fills_every_place():
    pool, random = ReplayPool(5, (1, 1, 1)), torch.Generator().manual_seed(0)
    for start in (10, 20, 30):
        pool(numbered(start, 4), random)
    assert pool.images.flatten().tolist() == [31, 11, 20, 21, 30]  # the third pair wraps around
    assert set(pool.state_dict()) == {"images", "filled"}


def test_a_pool_smaller_than_half_a_batch_serves_what_it_has():
    pool, random = ReplayPool(1, (1, 1, 1)), torch.Generator().manual_seed(0)
    pool(numbered(0, 4), random)
    assert pool(numbered(10, 4), random).flatten().tolist() == [0, 11, 12, 13]
    assert pool.images.flatten().tolist() == [10]


def test_a_history_takes_every_fake_until_it_is_full():
    pool, random = HistoryPool(5, (1, 1, 1)), torch.Generator().manual_seed(0)
    for start in (0, 3):
        assert torch.equal(pool(numbered(start, 3), random), numbered(start, 3))
    assert pool.images.flatten().tolist() == [0, 1, 2, 3, 4]  # no place is left for the last of the second batch
    assert pool.filled == 5


def test_a_full_history_exchanges_half_of_what_it_is_shown():
    """Of batches of one, as published: a fake is shown at once or kept, and what is kept stays 2 * 50 calls in the mean."""
    pool, random = HistoryPool(50, (1, 1, 1)), torch.Generator().manual_seed(0)
    shown = torch.tensor([pool(numbered(call, 1), random).item() for call in range(8000)])
    ages = torch.arange(8000)[200:] - shown[200:]
    assert abs((ages == 0).float().mean() - 0.5) < 0.03
    assert abs(ages[ages > 0].mean() - 100) < 8  # geometric with p = 1 / 100
    assert len(set(shown[50:].tolist())) == len(shown) - 50  # nothing is shown twice, but for the first fifty


def test_a_history_smaller_than_a_batch_exchanges_what_it_holds():
    pool, random = HistoryPool(2, (1, 1, 1)), torch.Generator().manual_seed(0)
    pool(numbered(0, 4), random)
    mixed = pool(numbered(10, 4), random).flatten().tolist()
    assert mixed[2:] == [12, 13]
    assert sorted([*mixed[:2], *pool.images.flatten().tolist()]) == [0, 1, 10, 11]
