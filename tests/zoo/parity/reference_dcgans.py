"""Plain convolutional GANs and perceptrons in NumPy, layer by layer as their papers and their authors' code have them."""

from functools import partial

import numpy as np
from numpy_layers import Array, Weights, batch_norm, conv, convolved, leaky, linear, one_hot, relu, repeat, transposed


def gan_generator(w: Weights, latents: Array) -> Array:
    """goodfeli/adversarial mnist.yaml: 100-1200-1200-pixels, the sigmoid's range moved to [-1, 1]."""
    hidden = relu(linear(relu(linear(latents, w.at(0))), w.at(2)))
    pixels = 1 / (1 + np.exp(-2 * linear(hidden, w.at(4))))
    return (2 * pixels - 1).reshape(len(latents), 1, 16, 16)


def gan_critic(w: Weights, images: Array) -> Array:
    """Two layers of 240 maxout units of 5 pieces each, on pixels in [0, 1]; no dropout at evaluation."""
    x = (images.reshape(len(images), -1) + 1) / 2
    for name in ("2.linear", "4.linear"):
        x = linear(x, w.at(name)).reshape(len(x), 240, 5).max(2)
    return linear(x, w.at(6))[:, 0]


def dcgan_generator(w: Weights, latents: Array) -> Array:
    """soumith/dcgan.torch main.lua at 16 px: 4x4 kernels, 4 -> 8 -> 16 px, batch norm and ReLU between, tanh."""
    x = transposed(latents[:, :, None, None], w.at(1), stride=1, pad=0)
    x = transposed(relu(batch_norm(x, w.at(2))), w.at(4), stride=2, pad=1)
    return np.tanh(transposed(relu(batch_norm(x, w.at(5))), w.at(7), stride=2, pad=1))


def dcgan_critic(w: Weights, images: Array) -> Array:
    x = leaky(convolved(images, w.at("features.0"), stride=2, pad=1))
    x = leaky(batch_norm(convolved(x, w.at("features.2"), stride=2, pad=1), w.at("features.3")))
    return convolved(x, w.at("head"))[:, 0, 0, 0]


def lsgan_generator(w: Weights, latents: Array) -> Array:
    """xudonmao/LSGAN vgg.py at 16 px: linear, then two transposed 3x3 of stride 2, the wide ones doubled by one of stride 1."""
    x = linear(latents, w.at(0)).reshape(len(latents), 256, 4, 4)
    x = relu(batch_norm(x, w.at(2)))
    for index in (4, 7):
        x = relu(batch_norm(transposed(x, w.at(index), stride=2, pad=1, extra=1), w.at(index + 1)))
    return np.tanh(transposed(x, w.at(10), stride=1, pad=1))


def lsgan_critic(w: Weights, images: Array) -> Array:
    x = leaky(convolved(images, w.at(0), stride=2, pad=2))
    x = leaky(batch_norm(convolved(x, w.at(2), stride=2, pad=2), w.at(3)))
    return linear(x.reshape(len(x), -1), w.at(6))[:, 0]


def pacgan_generator(w: Weights, latents: Array) -> Array:
    """fjxmlzn/PacGAN VEEGAN_experiment/model.py: batch norm and ReLU before each transposed 5x5 convolution."""
    x = linear(latents, w.at(0)).reshape(len(latents), -1, 2, 2)
    for index in (2, 5, 8):
        x = transposed(relu(batch_norm(x, w.at(index))), w.at(index + 2), stride=2, pad=2, extra=1)
    return np.tanh(x)


def pacgan_critic(w: Weights, packs: Array) -> Array:
    x = leaky(convolved(packs, w.at(0), stride=2, pad=2))
    for index in (2, 5):
        x = leaky(batch_norm(convolved(x, w.at(index), stride=2, pad=2), w.at(index + 1)))
    return linear(x.reshape(len(x), -1), w.at(9))[:, 0]


def beside(x: Array, hot: Array) -> Array:
    """The label as numbers, or as constant maps, behind the features."""
    maps = hot if x.ndim == 2 else np.broadcast_to(hot[:, :, None, None], (*hot.shape, *x.shape[2:]))
    return np.concatenate([x, maps], 1)


def cgan_generator(w: Weights, latents: Array, labels: Array, classes: int = 4) -> Array:
    """Newmu/dcgan_code mnist/train_cond_dcgan.py: the label joins the input of every layer; norms have no scale."""
    join = partial(beside, hot=one_hot(labels, classes))
    h = relu(batch_norm(linear(join(latents), w.at("hidden")), w.at("-")))
    h = relu(batch_norm(linear(join(h), w.at("project")), w.at("-"))).reshape(len(h), -1, 4, 4)
    h = relu(batch_norm(transposed(join(h), w.at("ups.0"), stride=2, pad=2, extra=1), w.at("-")))
    return np.tanh(transposed(join(h), w.at("ups.1"), stride=2, pad=2, extra=1))


def cgan_critic(w: Weights, images: Array, labels: Array, classes: int = 4) -> Array:
    join = partial(beside, hot=one_hot(labels, classes))
    h = leaky(convolved(join(images), w.at("downs.0"), stride=2, pad=2))
    h = leaky(batch_norm(convolved(join(h), w.at("downs.1"), stride=2, pad=2), w.at("-")))
    h = leaky(batch_norm(linear(join(h.reshape(len(h), -1)), w.at("hidden")), w.at("-")))
    return linear(join(h), w.at("head"))[:, 0]


def acgan_generator(w: Weights, latents: Array, labels: Array, classes: int = 4) -> Array:
    """Odena et al. 2017, table 2 (CIFAR-10), at 16 px: one transposed 5x5 less."""
    x = relu(linear(beside(latents, one_hot(labels, classes)), w.at("layers.0"))).reshape(len(latents), -1, 4, 4)
    x = relu(batch_norm(transposed(x, w.at("layers.3"), stride=2, pad=2, extra=1), w.at("layers.4")))
    return np.tanh(transposed(x, w.at("layers.6"), stride=2, pad=2, extra=1))


def acgan_critic(w: Weights, images: Array) -> Array:
    """Six 3x3 convolutions of strides 2, 1, 2, 1, 2, 1; no dropout. Logit and class logits side by side."""
    x = leaky(convolved(images, w.at("features.0"), stride=2, pad=1))
    for index, stride in zip((3, 7, 11, 15, 19), (1, 2, 1, 2, 1), strict=True):
        x = convolved(x, w.at(f"features.{index}"), stride=stride, pad=1)
        x = leaky(batch_norm(x, w.at(f"features.{index + 1}")))
    return linear(x.reshape(len(x), -1), w.at("head"))


def infogan_generator(w: Weights, latents: Array) -> Array:
    """openai/InfoGAN regularized_gan.py, "mnist": 1024 units, then 4x4 transposed convolutions."""
    h = relu(batch_norm(linear(latents, w.at(0)), w.at(1)))
    h = relu(batch_norm(linear(h, w.at(3)), w.at(4))).reshape(len(h), 128, 4, 4)
    h = relu(batch_norm(transposed(h, w.at(7), stride=2, pad=1), w.at(8)))
    return np.tanh(transposed(h, w.at(10), stride=2, pad=1))


def infogan_critic(w: Weights, images: Array) -> Array:
    """A shared trunk; the logit, then Q's reading through 128 units."""
    h = leaky(convolved(images, w.at("trunk.0"), stride=2, pad=1), 0.01)
    h = leaky(batch_norm(convolved(h, w.at("trunk.2"), stride=2, pad=1), w.at("trunk.3")), 0.01)
    h = leaky(batch_norm(linear(h.reshape(len(h), -1), w.at("trunk.6")), w.at("trunk.7")), 0.01)
    reading = linear(leaky(batch_norm(linear(h, w.at("reader.0")), w.at("reader.1")), 0.01), w.at("reader.3"))
    return np.concatenate([linear(h, w.at("head")), reading], 1)


def unrolled_generator(w: Weights, latents: Array) -> Array:
    """fjxmlzn/PacGAN unrolled_GAN_experiment at 16 px: 3x3 kernels, 32-16-8 channels at 4, 8, 16 px."""
    x = relu(batch_norm(linear(latents, w.at(0)).reshape(len(latents), 32, 4, 4), w.at(2)))
    for index in (4, 7):
        x = relu(batch_norm(transposed(x, w.at(index), stride=2, pad=1, extra=1), w.at(index + 1)))
    return np.tanh(convolved(x, w.at(10), pad=1))


def unrolled_critic(w: Weights, images: Array) -> Array:
    x = images
    for index in (0, 3):
        x = leaky(batch_norm(convolved(x, w.at(index), stride=2, pad=1), w.at(index + 1)), 0.3)
    return linear(x.reshape(len(x), -1), w.at(7))[:, 0]


def resize_convolve_generator(w: Weights, latents: Array) -> Array:
    """The ablation: pixels repeated and a 3x3 convolution in the place of each transposed one but the first."""
    x = transposed(latents[:, :, None, None], w.at(1), stride=1, pad=0)
    for norm, layer in ((2, 4), (5, 7)):
        x = conv(repeat(relu(batch_norm(x, w.at(norm)))), w.at(layer).weight, w.at(layer).bias, pad=1)
    return np.tanh(x)


def unnormed_critic(w: Weights, images: Array) -> Array:
    """DCGAN's critic without batch norm; under spectral normalisation every weight has a largest singular value of 1."""
    x = leaky(convolved(images, w.at("features.0"), stride=2, pad=1))
    x = leaky(convolved(x, w.at("features.2"), stride=2, pad=1))
    return convolved(x, w.at("head"))[:, 0, 0, 0]
