"""The family of conditioning methods: its losses against hand-worked batches and loops, its heads, and what each player is told."""

from math import exp, log

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from bench import members
from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo import conditioning
from zoo.losses.classes import conditional_contrastive, data_to_data, multi_hinge
from zoo.networks.heads import ClassHead, MultiHingeHead, ProxyHead
from zoo.sngan_projection import sngan_projection
from zoo.training.conditioning import ConditioningTurn, Critic, common

SPEC = ImageSpec(1, 8, classes=3)
FAMILY = [found for found in members.listings().values() if found.module == "zoo.conditioning"]
LABELS = torch.tensor([0, 1, 2, 1])


def turn_of(gan, mover: str) -> ConditioningTurn:
    torch.manual_seed(0)
    nets = {name: player.net for name, player in gan.players.items()}
    draw = Draw(Batch(torch.rand(4, 1, 8, 8), LABELS))
    context = Context(nets, draw, mover, Now(0, 100, 0), torch.Generator().manual_seed(0))
    made = gan.schedule[0].turn(context)
    assert isinstance(made, ConditioningTurn)
    return made


def unit(*rows: list[float]) -> torch.Tensor:
    return normalize(torch.tensor(rows, dtype=torch.float32))


def test_multi_hinge_by_hand():
    scores = torch.tensor([[3.0, 1.0, 0.0], [0.5, 1.0, 0.8]])
    # 3 is ahead of 1 by 2: nothing; 1.0 of class 1 is ahead of 0.8 by 0.2: 0.8 is missing.
    assert multi_hinge(scores, torch.tensor([0, 1])).item() == pytest.approx((0 + 0.8) / 2)
    # class 2 of the first row: the best other has 3, so 1 + 3 - 0.
    assert multi_hinge(scores[:1], torch.tensor([2])).item() == pytest.approx(4.0)


def test_the_contrastive_loss_by_hand():
    embeddings = unit([1, 0], [0, 1], [1, 0])
    proxies = unit([1, 0], [1, 0], [0, 1])
    labels = torch.tensor([0, 0, 1])
    e = [exp(0 / 2), exp(1 / 2)]  # of similarities 0 and 1 at temperature 2
    # similarities to the proxy: 1, 0, 0; between: (0, 1) 0, (0, 2) 1, (1, 2) 0.
    first = -log((e[1] + e[0]) / (e[1] + e[0] + e[1]))  # proxy and image 1 of its class, against image 2 too
    second = -log((e[0] + e[0]) / (e[0] + e[0] + e[0]))
    third = -log(e[0] / (e[0] + e[1] + e[0]))  # nobody else is of its class
    value = conditional_contrastive(embeddings, proxies, labels, temperature=2.0)
    assert value.item() == pytest.approx((first + second + third) / 3, rel=1e-6)


def test_d2d_ce_by_hand():
    embeddings = unit([1, 0], [0.8, 0.6], [0, 1])
    proxies = unit([1, 0], [0, 1], [0, 1])
    labels = torch.tensor([0, 1, 1])
    t, m = 0.5, 0.9

    def term(to_proxy: float, others: list[float]) -> float:
        """-log of the ratio, with the margins m and 1 - m written out."""
        positive = exp(min(0.0, to_proxy - m) / t)
        return -log(positive / (positive + sum(exp(max(0.0, other - (1 - m)) / t) for other in others)))

    expected = (term(1.0, [0.8, 0.0]) + term(0.6, [0.8]) + term(1.0, [0.0])) / 3
    assert data_to_data(embeddings, proxies, labels, t, m).item() == pytest.approx(expected, rel=1e-5)


def test_an_image_that_is_where_it_should_be_is_left_out():
    """Beyond both margins nothing pulls: the gradients are 0."""
    embeddings = unit([1, 0, 0], [0, 1, 0]).requires_grad_()
    proxies, labels = unit([1, 0, 0], [0, 1, 0]), torch.tensor([0, 1])
    data_to_data(embeddings, proxies, labels, temperature=0.5, margin=0.98).backward()
    assert embeddings.grad is not None
    assert embeddings.grad.abs().max() == 0


def test_losses_do_not_depend_on_the_order_of_the_batch():
    torch.manual_seed(0)
    embeddings, proxies = unit(*torch.randn(6, 4).tolist()), unit(*torch.randn(6, 4).tolist())
    labels, order = torch.tensor([0, 1, 2, 0, 1, 0]), torch.tensor([3, 5, 1, 0, 2, 4])
    for loss in (lambda *parts: conditional_contrastive(*parts, 0.7), lambda *parts: data_to_data(*parts, 0.7, 0.9)):
        torch.testing.assert_close(
            loss(embeddings, proxies, labels), loss(embeddings[order], proxies[order], labels[order])
        )


def test_heads_say_what_they_promise():
    features, labels = torch.randn(4, 16), LABELS
    logits, first, second = ClassHead(16, 3, classifiers=2)(features, labels)
    assert (logits.shape, first.shape, second.shape) == ((4,), (4, 3), (4, 3))
    assert ClassHead(16, 3, outcomes=2)(features, labels)[1].shape == (4, 6)
    logits, scores, same = MultiHingeHead(16, 3)(features, labels)
    torch.testing.assert_close(logits, scores[range(4), labels] - scores[:, 3])
    assert same is features
    _, embeddings, proxies = ProxyHead(16, 3, embedding=8)(features, labels)
    for vectors in (embeddings, proxies):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(proxies[1], proxies[3])  # of one class


def test_the_baseline_is_sngan_projection():
    """With the baseline's weights the member that ends in a projection gives the baseline's images and logits."""
    baseline, member = sngan_projection(SPEC), conditioning.balanced(SPEC)
    pairs = {
        player: (baseline.players[player].net.eval(), member.players[player].net.eval()) for player in baseline.players
    }
    for theirs, ours in pairs.values():
        ours.load_state_dict({name.replace("head.", "head.project."): v for name, v in theirs.state_dict().items()}
                             if isinstance(ours, Critic) else theirs.state_dict())  # fmt: skip
    latents = torch.randn(4, 128)
    images = [net(latents, LABELS) for net in pairs["generator"]]
    assert torch.equal(*images)
    assert torch.equal(pairs["critic"][0](images[0], LABELS), pairs["critic"][1](images[0], LABELS)[0])
    assert common() == {name: one.default for name, one in members.declared(members.find("sngan-projection")).items()}


def test_the_twin_works_against_the_generator():
    critic, generator = (turn_of(conditioning.twin_auxiliary(SPEC), mover) for mover in ("critic", "generator"))
    real, fake = critic.real_judged, critic.fake_judged
    expected = cross_entropy(real[1], LABELS) + cross_entropy(fake[2], LABELS.repeat(1))
    torch.testing.assert_close(conditioning.classify_twins(critic), expected)
    asked = LABELS.repeat(2)  # the generator's batch is twice the critic's
    said = generator.fake_judged
    torch.testing.assert_close(
        conditioning.fool_twin(generator), cross_entropy(said[1], asked) - cross_entropy(said[2], asked)
    )


def test_the_discriminative_classifier_tells_the_origin():
    critic = turn_of(conditioning.discriminative(SPEC), "critic")
    real, fake = critic.real_judged[1], critic.fake_judged[1]
    expected = cross_entropy(real, LABELS) + cross_entropy(fake, LABELS + 3)
    torch.testing.assert_close(conditioning.classify_with_origin(critic), expected)
    generator = turn_of(conditioning.discriminative(SPEC), "generator")
    said, asked = generator.fake_judged[1], LABELS.repeat(2)
    # at the optimum the two outcomes of a class are alike, and the generator's loss is 0
    torch.testing.assert_close(
        conditioning.pass_for_real(generator), cross_entropy(said, asked) - cross_entropy(said, asked + 3)
    )


def test_balanced_fakes_are_of_every_class_equally_often():
    for mover, count in (("critic", 4), ("generator", 8)):
        labels = turn_of(conditioning.balanced(SPEC), mover).labels
        counts = labels.bincount(minlength=3)
        assert labels.shape == (count,)
        assert counts.max() - counts.min() <= 1
    assert not torch.equal(turn_of(conditioning.balanced(SPEC), "critic").labels, LABELS)


def test_only_the_critic_is_told_less():
    """Norm only: the critic says the same whatever the label."""
    critic = conditioning.norm_only(SPEC).players["critic"].net.eval()
    images = torch.rand(2, 1, 8, 8)
    one, other = (critic(images, torch.full((2,), label))[0] for label in (0, 1))
    torch.testing.assert_close(one, other)
    critic = conditioning.concatenation(SPEC).players["critic"].net.eval()
    one, other = (critic(images, torch.full((2,), label))[0] for label in (0, 1))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("listing", FAMILY, ids=lambda listing: listing.name)
def test_unlabelled_images_are_refused(listing: members.Listing):
    with pytest.raises(UserError, match=f"{listing.name} is class-conditional"):
        members.build(listing, ImageSpec(1, 16))
