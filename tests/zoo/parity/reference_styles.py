"""ProGAN, the StyleGANs and R3GAN in NumPy, from the equations and tables of their papers; nothing is fused.

Weights of an equalised layer are drawn from N(0, 1) and multiplied by He's constant: gain / sqrt(fan-in).
"""

from math import sqrt

import numpy as np
from numpy_layers import Array, Weights, blur, conv, convolved, leaky, normed, pooled, repeat, spread

BINOMIAL = [1.0, 3.0, 3.0, 1.0]
ROOT2 = sqrt(2)


def conv_eq(x: Array, w: Weights, gain: float = 1.0, **how: int) -> Array:
    return conv(x, w.weight * (gain / sqrt(w.weight[0].size)), w.get("bias"), **how)


def linear_eq(x: Array, w: Weights, gain: float = 1.0, rate: float = 1.0) -> Array:
    return x @ w.weight.T * (gain * rate / sqrt(w.weight.shape[1])) + w.bias * rate


def pixel_norm(x: Array) -> Array:
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-8)


def deviation(x: Array, group: int) -> Array:
    """One more map: the mean standard deviation over groups of `group` images, strided through the batch."""
    n, _, h, w = x.shape
    group = max(size for size in range(1, min(group, n) + 1) if n % size == 0)
    extra = np.zeros((n, 1, h, w))
    for first in range(n // group):
        members = range(first, n, n // group)
        extra[list(members)] = np.sqrt(x[list(members)].var(0) + 1e-8).mean()
    return np.concatenate([x, extra], 1)


def progan_generator(w: Weights, latents: Array) -> Array:
    """Karras et al. 2018, table 2, fully grown at 16 px."""
    kernel = w.at("blocks.0.dense").weight * ROOT2 / sqrt(latents.shape[1] * 16)
    x = np.einsum("nz,ozij->noij", pixel_norm(latents), kernel[:, :, ::-1, ::-1])  # a dense layer to 4x4
    x = pixel_norm(leaky(x + w.at("blocks.0.dense").bias[:, None, None]))
    x = pixel_norm(leaky(conv_eq(x, w.at("blocks.0.conv"), ROOT2, pad=1)))
    for index in (1, 2):
        x = pixel_norm(leaky(conv_eq(repeat(x), w.at(f"blocks.{index}.conv1"), ROOT2, pad=1)))
        x = pixel_norm(leaky(conv_eq(x, w.at(f"blocks.{index}.conv2"), ROOT2, pad=1)))
    return conv_eq(x, w.at("to_rgb.2"))


def growing_critic(w: Weights, images: Array, smooth: bool = False) -> Array:
    """ProGAN's critic, fully grown at 16 px; StyleGAN's filters with [1, 2, 1] before it halves."""
    x = leaky(conv_eq(images, w.at("from_rgb.2.0"), ROOT2))
    for index in (1, 0):
        x = leaky(conv_eq(x, w.at(f"blocks.{index}.conv1"), ROOT2, pad=1))
        x = blur(x, [1, 2, 1], 1, 1) if smooth else x
        x = leaky(pooled(conv_eq(x, w.at(f"blocks.{index}.conv2"), ROOT2, pad=1)))
    x = leaky(conv_eq(deviation(x, 4), w.at("head.1"), ROOT2, pad=1))
    x = leaky(linear_eq(x.reshape(len(x), -1), w.at("head.4"), ROOT2))
    return linear_eq(x, w.at("head.6"))[:, 0]


def stylegan_critic(w: Weights, images: Array) -> Array:
    return growing_critic(w, images, smooth=True)


def mapping(w: Weights, x: Array, layers: int) -> Array:
    """Fully connected layers at a hundredth of the rate; their leaky ReLU keeps the variance."""
    for index in range(layers):
        x = leaky(linear_eq(x, w.at(f"layers.{2 * index}"), rate=0.01)) * ROOT2
    return x


def noise_maps(noise: Array, sizes: list[int]) -> list[Array]:
    pieces = np.split(noise[:, : sum(size**2 for size in sizes)], np.cumsum([size**2 for size in sizes])[:-1], 1)
    return [piece.reshape(-1, 1, size, size) for piece, size in zip(pieces, sizes, strict=True)]


def epilogue(x: Array, w: Weights, style: Array, noise: Array) -> Array:
    """Karras et al. 2019, figure 1b: noise, bias, leaky ReLU, AdaIN (eq. 1) with 1 + y_s."""
    x = leaky(x + noise * w.noise_scale + w.bias)
    scale, shift = np.split(linear_eq(style, w.at("adain.affine"))[:, :, None, None], 2, 1)
    return normed(x, (2, 3), eps=1e-8) * (1 + scale) + shift


def stylegan_generator(w: Weights, latents: Array, noise: Array) -> Array:
    """Fully grown at 16 px, without style mixing."""
    style = mapping(w.at("mapping"), pixel_norm(latents), 8)
    noises = noise_maps(noise, [4, 4, 8, 8, 16, 16])
    x = np.broadcast_to(w.at("blocks.0").constant, (len(latents), *w.at("blocks.0").constant.shape[1:]))
    for index in range(3):
        block = w.at(f"blocks.{index}")
        if index:
            x = blur(conv_eq(repeat(x), block.at("conv1"), ROOT2, pad=1), [1, 2, 1], 1, 1)
        x = epilogue(x, block.at("epilogue1"), style, noises[2 * index])
        x = conv_eq(x, block.at("conv2" if index else "conv"), ROOT2, pad=1)
        x = epilogue(x, block.at("epilogue2"), style, noises[2 * index + 1])
    return conv_eq(x, w.at("to_rgb.2"))


def modulated(x: Array, w: Weights, style: Array, *, up: bool = False, demodulate: bool = True) -> Array:
    """Karras et al. 2020, eq. 1 to 3: each image has kernels of its own; twice the size by zeros and [1, 3, 3, 1]."""
    scales = linear_eq(style, w.at("affine"))
    base = w.weight / sqrt(w.weight[0].size)
    out: list[Array] = []
    for image, scale in zip(x, scales, strict=True):
        kernel = base * scale[None, :, None, None]
        if demodulate:
            kernel = kernel / np.sqrt((kernel**2).sum((1, 2, 3), keepdims=True) + 1e-8)
        if up:  # 2 H - 1 samples; the adjoint of a convolution turns the kernel
            large = conv(spread(image[None], 2), kernel[:, :, ::-1, ::-1], pad=2)
            out.append(4 * blur(large, BINOMIAL, 1, 1))
        else:
            out.append(conv(image[None], kernel, pad=kernel.shape[2] // 2))
    return np.concatenate(out)


def enlarged(x: Array) -> Array:
    """Twice the size: zeros inserted, [1, 3, 3, 1], a gain of 4."""
    return 4 * blur(spread(x, 2), BINOMIAL, 2, 2)


def shrunk(x: Array) -> Array:
    """Half the size: [1, 3, 3, 1], every second sample."""
    return blur(x, BINOMIAL, 1, 1)[:, :, ::2, ::2]


def stylegan2_generator(
    w: Weights, latents: Array, noise: Array, labels: Array | None = None, layers: int = 8
) -> Array:
    """Figure 2c and 7 (b) at 16 px: output skips, without style mixing."""
    x = pixel_norm(latents)
    if labels is not None:
        embedded = linear_eq(np.eye(4)[labels], w.at("mapping.embed"))
        x = np.concatenate([x, pixel_norm(embedded)], 1)
    style, net = mapping(w.at("mapping"), x, layers), w.at("synthesis")
    noises = noise_maps(noise, [4, 8, 8, 16, 16])
    x = np.broadcast_to(net.constant, (len(latents), *net.constant.shape[1:]))
    image: Array | None = None
    for layer, given in enumerate(noises):
        part = net.at(f"convs.{layer}")
        x = modulated(x, part.at("conv"), style, up=layer % 2 == 1) + given * part.noise_scale + part.bias
        x = leaky(x) * ROOT2
        if layer % 2 == 0:
            rgb = net.at(f"to_rgb.{layer // 2}")
            here = modulated(x, rgb.at("conv"), style, demodulate=False) + rgb.bias
            image = here if image is None else enlarged(image) + here
    assert image is not None
    return image


def stylegan2_ada_generator(w: Weights, latents: Array, noise: Array, labels: Array | None = None) -> Array:
    return stylegan2_generator(w, latents, noise, labels, layers=2)


def stylegan2_critic(
    w: Weights, images: Array, labels: Array | None = None, residual: bool = True, group: int = 4
) -> Array:
    """Figure 7c at 16 px: 3x3, filtered and halved 3x3, beside a filtered and halved 1x1; both over sqrt(2)."""
    x = leaky(conv_eq(images, w.at("body.0"))) * ROOT2
    for index in (2, 3):
        block = w.at(f"body.{index}")
        h = leaky(conv_eq(x, block.at("main.0"), pad=1)) * ROOT2
        h = leaky(conv_eq(blur(h, BINOMIAL, 2, 2), block.at("main.2"), stride=2)) * ROOT2
        x = (h + conv_eq(shrunk(x), block.at("shortcut"))) / ROOT2 if residual else h
    x = leaky(conv_eq(deviation(x, group), w.at("body.5"), pad=1)) * ROOT2
    x = leaky(linear_eq(x.reshape(len(x), -1), w.at("body.8"))) * ROOT2
    x = linear_eq(x, w.at("body.10"))
    if labels is None:
        return x[:, 0]
    classes = mapping(w.at("mapping"), pixel_norm(linear_eq(np.eye(4)[labels], w.at("mapping.embed"))), 8)
    return (x * classes).sum(1) / sqrt(x.shape[1])


def stylegan2_ada_critic(w: Weights, images: Array, labels: Array | None = None) -> Array:
    return stylegan2_critic(w, images, labels, residual=False, group=32)


def residual(x: Array, w: Weights) -> Array:
    """Huang et al. 2024, figure 4: 1x1, grouped 3x3 and 1x1 with biased leaky ReLUs between; groups of 16 channels."""
    h = leaky(convolved(x, w.at("branch.0")) + w.at("branch.1").bias)
    h = leaky(convolved(h, w.at("branch.2"), pad=1, groups=h.shape[1] // 16) + w.at("branch.3").bias)
    return x + convolved(h, w.at("branch.4"))


def blurred(x: Array) -> Array:
    return blur(x, [1, 2, 1], 1, 1)


def r3gan_generator(w: Weights, latents: Array, labels: Array | None = None) -> Array:
    """16 px: two blocks at each size; 1x1, pixels repeated, [1, 2, 1] between."""
    z = latents if labels is None else np.concatenate([latents, w.at("label").weight[labels]], 1)
    x = (z @ w.at("weigh").weight.T)[:, :, None, None] * w.start
    for size in range(3):
        if size:
            x = blurred(repeat(convolved(x, w.at(f"trunk.{3 * size - 1}.0"))))
        for block in range(2):
            x = residual(x, w.at(f"trunk.{3 * size + block}"))
    return convolved(x, w.at("to_rgb"))


def r3gan_critic(w: Weights, images: Array, labels: Array | None = None) -> Array:
    """The mirror: [1, 2, 1] and 2x2 means, 1x1 between; each 4x4 map summed with weights of its own."""
    x = convolved(images, w.at("from_rgb"))
    for size in range(3):
        if size:
            x = convolved(pooled(blurred(x)), w.at(f"trunk.{3 * size - 1}.1"))
        for block in range(2):
            x = residual(x, w.at(f"trunk.{3 * size + block}"))
    h = (x * w.at("end").weight[:, 0]).sum((2, 3)) @ w.at("judge").weight.T
    return h[:, 0] if labels is None else (h * w.at("label").weight[labels]).sum(1)
