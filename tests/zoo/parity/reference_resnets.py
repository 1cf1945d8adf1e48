"""The ResNet GANs in NumPy, block by block as the authors' code computes them, with nothing fused or moved.

Block by block: pfnet-research/sngan_projection gen_models/resblocks.py and dis_models/resblocks.py (which agree with
igul222/improved_wgan_training gan_cifar_resnet.py), ajbrock/BigGAN-PyTorch layers.py, brain-research/self-attention-gan.
"""

from collections.abc import Callable

import numpy as np
from numpy_layers import Array, Weights, attention, batch_norm, convolved, linear, normed, pooled, relu, repeat, scaled

Norm = Callable[[Array, Weights], Array]


def by_class(labels: Array) -> Norm:
    """Batch norm by everybody's statistics, then the scale and shift of each image's class."""
    return lambda x, w: scaled(normed(x, (0, 2, 3)), w.scale[labels], w.shift[labels])


def up_block(x: Array, w: Weights, norm: Norm = batch_norm) -> Array:
    """norm, ReLU, repeat pixels, 3x3, norm, ReLU, 3x3; the shortcut repeats pixels, then 1x1."""
    h = convolved(repeat(relu(norm(x, w.at("norm1")))), w.at("conv1"), pad=1)
    h = convolved(relu(norm(h, w.at("norm2"))), w.at("conv2"), pad=1)
    return h + convolved(repeat(x), w.at("shortcut"))


def first_block(x: Array, w: Weights) -> Array:
    """3x3, ReLU, 3x3, mean pooling; the shortcut pools, then 1x1."""
    h = convolved(relu(convolved(x, w.at("conv1"), pad=1)), w.at("conv2"), pad=1)
    return pooled(h) + convolved(pooled(x), w.at("shortcut"))


def down_block(x: Array, w: Weights) -> Array:
    """ReLU, 3x3, ReLU, 3x3, mean pooling; the shortcut of the features as they came: 1x1, then mean pooling."""
    h = convolved(relu(convolved(relu(x), w.at("conv1"), pad=1)), w.at("conv2"), pad=1)
    return pooled(h) + pooled(convolved(x, w.at("shortcut")))


def plain_block(x: Array, w: Weights) -> Array:
    """ReLU, 3x3, ReLU, 3x3, plus the features as they came."""
    return x + convolved(relu(convolved(relu(x), w.at("conv1"), pad=1)), w.at("conv2"), pad=1)


def to_image(x: Array, w: Weights) -> Array:
    """Batch norm, ReLU, 3x3, tanh."""
    return np.tanh(convolved(relu(batch_norm(x, w.at(0))), w.at(2), pad=1))


def generator(w: Weights, latents: Array, labels: Array | None = None, attends_before: int | None = None) -> Array:
    """Two blocks from 4 to 16 px. SAGAN attends before its second one, at 8 px."""
    norm = batch_norm if labels is None else by_class(labels)
    x = linear(latents, w.at("stem.0")).reshape(len(latents), -1, 4, 4)
    for index in range(2):
        x = attention(x, w.at("attention")) if index == attends_before else x
        x = up_block(x, w.at(f"blocks.{index}"), norm)
    return to_image(x, w.at("head"))


def trunk(w: Weights, images: Array) -> Array:
    """16 px: two blocks that halve, two that keep."""
    x = down_block(first_block(images, w.at("blocks.0")), w.at("blocks.1"))
    return relu(plain_block(plain_block(x, w.at("blocks.2")), w.at("blocks.3")))


def wgan_gp_critic(w: Weights, images: Array) -> Array:
    return linear(trunk(w, images).mean((2, 3)), w.at("head"))[:, 0]


def sngan_critic(w: Weights, images: Array) -> Array:
    return linear(trunk(w, images).sum((2, 3)), w.at("head"))[:, 0]


def projected(h: Array, w: Weights, labels: Array) -> Array:
    """Miyato & Koyama 2018, eq. 3: y^T V phi(x) + psi(phi(x))."""
    return linear(h, w.at("linear"))[:, 0] + (w.at("embedding").weight[labels] * h).sum(1)


def projection_critic(w: Weights, images: Array, labels: Array) -> Array:
    return projected(trunk(w, images).sum((2, 3)), w.at("head"), labels)


def sagan_generator(w: Weights, latents: Array, labels: Array | None = None) -> Array:
    return generator(w, latents, labels, attends_before=1)


def sagan_features(w: Weights, images: Array) -> Array:
    """Attention stands behind the second block, at a quarter of the image: 4 px of 16."""
    x = down_block(first_block(images, w.at("blocks.0")), w.at("blocks.1"))
    x = attention(x, w.at("blocks.2"))
    return relu(plain_block(plain_block(x, w.at("blocks.3")), w.at("blocks.4"))).sum((2, 3))


def sagan_critic(w: Weights, images: Array) -> Array:
    return linear(sagan_features(w, images), w.at("head"))[:, 0]


def sagan_projection_critic(w: Weights, images: Array, labels: Array) -> Array:
    return projected(sagan_features(w, images), w.at("head"), labels)


def biggan_generator(w: Weights, latents: Array, labels: Array) -> Array:
    x = linear(latents, w.at("stem")).reshape(len(latents), -1, 4, 4)
    for index in range(2):
        x = up_block(x, w.at(f"blocks.{index}"), by_class(labels))
    return to_image(x, w.at("head"))


def biggan_critic(w: Weights, images: Array, labels: Array) -> Array:
    """Two blocks that halve and two that keep, each wide from its first convolution on."""
    x = down_block(first_block(images, w.at("blocks.0")), w.at("blocks.1"))
    x = plain_block(plain_block(x, w.at("blocks.2")), w.at("blocks.3"))
    return projected(relu(x).sum((2, 3)), w.at("head"), labels)
