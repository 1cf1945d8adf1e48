"""An image is its seed's, whoever else asks."""

import numpy as np
import pytest
import torch

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Player, adam
from bench.serving.sampler import Sampler, Wanted

MEMBERS = [("dcgan", 0), ("stylegan2", 0), ("cgan", 10), ("biggan", 10), ("ddgan", 0)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "classes"), MEMBERS)
def test_an_image_in_a_batch_is_that_of_its_seed_to_one_level(served, name, classes):
    sampler = served(name, classes=classes)
    wanted = [Wanted(seed, seed % classes if classes else None) for seed in (3, 1, 4, 1, 5)]
    together = sampler.render(wanted).astype(int)
    alone = np.concatenate([sampler.render([one]) for one in wanted]).astype(int)
    assert together.shape == (5, 1, 16, 16)
    assert np.abs(together - alone).max() <= 1
    assert np.array_equal(together[1], together[3])
    assert not np.array_equal(together[0], together[1])


@pytest.mark.parametrize("name", ["dcgan", "stylegan2"])
def test_made_alone_the_bytes_are_the_same_always(served, name):
    sampler = served(name, together=1)
    alone = sampler.render([Wanted(4)])
    among = sampler.render([Wanted(2), Wanted(4), Wanted(9)])
    assert np.array_equal(alone[0], among[1])


def test_latents_are_those_of_the_seed_s_generator(shades):
    sampler, _ = shades()
    expected = torch.randn(1, 2, generator=torch.Generator().manual_seed(11))[0, 0].tanh() * 0.5
    assert sampler.render([Wanted(11)])[0, 0, 0, 0] == round((float(expected) + 1) * 127.5)


def test_noise_is_an_image_s_own_and_not_its_latents(served):
    sampler = served("stylegan2")
    assert sampler.network is not None
    numbers = sampler.network.noise_numbers
    assert numbers > 0
    _, random = sampler._latents(Wanted(5))
    noise = sampler._noise([random])
    again = torch.Generator().manual_seed(5)
    latents = sampler.gan.latents(1, again)
    assert torch.equal(noise[0], torch.randn(numbers, generator=again))
    assert not torch.equal(noise[0, :8], latents[0, :8])


def test_a_path_begins_and_ends_at_its_seeds(shades):
    sampler, _ = shades()
    path = sampler.render([Wanted(1, towards=2, share=share) for share in (0.0, 0.5, 1.0)])
    ends = sampler.render([Wanted(1), Wanted(2)])
    assert np.abs(path[[0, 2]].astype(int) - ends).max() <= 1
    low, high = sorted(ends[:, 0, 0, 0])
    assert low <= path[1, 0, 0, 0] <= high


def test_a_class_is_heeded(shades):
    sampler, _ = shades(classes=10)
    one, other = sampler.render([Wanted(1, 0), Wanted(1, 9)])[:, 0, 0, 0].astype(int)
    assert other - one == pytest.approx(9 / 100 * 127.5, abs=1)


@pytest.mark.parametrize(("name", "heeds"), [("dcgan", False), ("stylegan2", True)])
def test_whether_truncation_is_heeded_is_found_by_trying(served, name, heeds):
    assert served(name).heeds_truncation() is heeds


def test_images_of_several_truncations_keep_their_order(served):
    sampler = served("stylegan2")
    wanted = [Wanted(1), Wanted(1, truncation=0.5), Wanted(1)]
    first, cut, last = sampler.render(wanted)
    assert np.abs(first.astype(int) - last).max() <= 1
    assert not np.array_equal(first, cut)


def test_draws_that_cannot_be_given_are_made_one_image_at_a_time(no_shape_checks):
    def generate(nets, prompt):
        return torch.rand(prompt.count, 1, 16, 16, generator=prompt.random)

    gan = GAN({}, (), generate, lambda count, random: torch.randn(count, 2, generator=random))
    sampler = Sampler(gan, {}, ImageSpec(1, 16), torch.device("cpu"), 16)
    assert sampler.together == 1
    wanted = [Wanted(1), Wanted(2), Wanted(1)]
    images = sampler.render(wanted)
    assert np.array_equal(images[0], images[2])
    assert not np.array_equal(images[0], images[1])


def test_images_out_of_range_are_refused(no_shape_checks):
    gan = GAN(
        {}, (), lambda nets, prompt: torch.full((prompt.count, 1, 16, 16), 3.0), lambda n, random: torch.randn(n, 2)
    )
    with pytest.raises(UserError, match=r"expected \[-1, 1\]"):
        Sampler(gan, {}, ImageSpec(1, 16), torch.device("cpu"), 4).render([Wanted(0)])


def test_a_member_that_translates_is_refused(no_shape_checks):
    player = Player(torch.nn.Linear(1, 1), adam(1e-3))
    gan = GAN({"generator": player}, (), lambda nets, prompt: torch.zeros(1), task="paired")
    with pytest.raises(UserError, match="translates pictures"):
        Sampler(gan, {}, ImageSpec(1, 16), torch.device("cpu"), 4)
