"""pix2pix and CycleGAN in NumPy, as junyanz/pytorch-CycleGAN-and-pix2pix models/networks.py has them, at 16 px."""

import numpy as np
from numpy_layers import Array, Weights, conv, convolved, instance_norm, leaky, relu, transposed


def unet(w: Weights, source: Array) -> Array:
    """Halved to 1 px by 4x4 convolutions and back; every size sees its own features again. No dropout at 16 px."""
    first = convolved(source, w.at("down.0"), stride=2, pad=1)
    second = instance_norm(convolved(leaky(first), w.at("down.1.1"), stride=2, pad=1), w.at("down.1.2"))
    third = instance_norm(convolved(leaky(second), w.at("down.2.1"), stride=2, pad=1), w.at("down.2.2"))
    x = convolved(leaky(third), w.at("down.3.1"), stride=2, pad=1)
    for index, skip in enumerate((third, second, first)):
        x = instance_norm(transposed(relu(x), w.at(f"up.{index}.1"), stride=2, pad=1), w.at(f"up.{index}.2"))
        x = np.concatenate([skip, x], 1)
    return np.tanh(transposed(relu(x), w.at("out.1"), stride=2, pad=1))


def patch_critic(w: Weights, images: Array, affine: bool = True) -> Array:
    """One halving, one block of stride 1, one logit per patch of 16 px."""
    x = leaky(convolved(images, w.at("blocks.0.0"), stride=2, pad=1))
    x = convolved(x, w.at("blocks.1.0"), pad=1)
    x = leaky(instance_norm(x, w.at("blocks.1.1") if affine else None))
    return convolved(x, w.at("head"), pad=1).reshape(len(x), -1)


def cyclegan_critic(w: Weights, images: Array) -> Array:
    return patch_critic(w, images, affine=False)


def reflected(x: Array, w: Weights) -> Array:
    """A convolution behind a border that mirrors the picture, its last pixel not repeated."""
    pad = w.weight.shape[2] // 2
    return conv(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="reflect"), w.weight, w.bias)


def translator(w: Weights, pictures: Array) -> Array:
    """c7s1-k, d2k, d4k, six residual blocks, u2k, uk, c7s1 (appendix 7.2)."""
    x = relu(instance_norm(reflected(pictures, w.at(1))))
    for index in (4, 7):
        x = relu(instance_norm(convolved(x, w.at(index), stride=2, pad=1)))
    for index in range(10, 16):
        h = relu(instance_norm(reflected(x, w.at(f"{index}.branch.1"))))
        x = x + instance_norm(reflected(h, w.at(f"{index}.branch.5")))
    for index in (16, 19):
        x = relu(instance_norm(transposed(x, w.at(index), stride=2, pad=1, extra=1)))
    return np.tanh(reflected(x, w.at(23)))


def translators_of_both(w: Weights, source: Array, images: Array) -> Array:
    """What both generators make: a translation, its way back, and the same the other way."""
    fake, fake_source = translator(w.at("there"), source), translator(w.at("back"), images)
    again, again_source = translator(w.at("there"), fake_source), translator(w.at("back"), fake)
    same, same_source = translator(w.at("there"), images), translator(w.at("back"), source)
    return np.concatenate([fake, fake_source, again, again_source, same, same_source])
