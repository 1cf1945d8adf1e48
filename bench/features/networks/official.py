"""The field's own feature networks, through torch-fidelity and lpips, on weights whose sha256 was verified.

Names and conventions: ``inception-v3`` is the 2015 TensorFlow network that FID is defined on (pool3, 2048; its logits
without bias are those of the Inception Score), ``vgg16`` that of precision and recall (fc2 after ReLU, 4096),
``dinov2-*`` that of Stein et al. 2023, ``clip-*`` that of CMMD; all resize as torch-fidelity does (TensorFlow 1 bilinear,
no antialias). ``lpips-*`` embed images so that the squared distance of two embeddings is LPIPS v0.1.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from bench.errors import unknown
from bench.features.networks import official_networks as networks
from bench.features.networks import weight_files
from bench.features.networks.cards import Card
from bench.features.networks.extractor import Extractor, Network, Preparation
from bench.features.networks.weight_files import WeightFile

PYTORCH = "https://download.pytorch.org/models"
CLIP = "https://openaipublic.azureedge.net/clip/models"
DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"

INCEPTION = WeightFile(
    "weights-inception-2015-12-05-6726825d.pth", 95_628_359,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    aliases=("pt_inception-2015-12-05-6726825d.pth",),
)  # fmt: skip
VGG16 = WeightFile(
    "vgg16-397923af.pth", 553_433_881,
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", f"{PYTORCH}/vgg16-397923af.pth",
)  # fmt: skip
ALEXNET = WeightFile(
    "alexnet-owt-7be5be79.pth", 244_408_911,
    "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02", f"{PYTORCH}/alexnet-owt-7be5be79.pth",
)  # fmt: skip
SQUEEZENET = WeightFile(
    "squeezenet1_1-b8a52dc0.pth", 4_958_839,
    "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b", f"{PYTORCH}/squeezenet1_1-b8a52dc0.pth",
)  # fmt: skip
DINOV2_S = WeightFile(
    "dinov2_vits14_pretrain.pth", 88_283_115,
    "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
    f"{DINOV2}/dinov2_vits14/dinov2_vits14_pretrain.pth",
)  # fmt: skip
DINOV2_L = WeightFile(
    "dinov2_vitl14_pretrain.pth", 1_217_586_395,
    "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    f"{DINOV2}/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
)  # fmt: skip


def _clip_file(name: str, digest: str, published: str) -> WeightFile:
    return WeightFile(f"{name}-{digest}.pt", None, digest, f"{CLIP}/{digest}/{published}.pt", (f"{published}.pt",))


CLIP_B32 = _clip_file("clip-vit-b-32", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", "ViT-B-32")
CLIP_L14_336 = _clip_file(
    "clip-vit-l-14-336px", "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02", "ViT-L-14-336px"
)


@dataclass(frozen=True)
class Official:
    """A network that others published."""

    file: WeightFile
    open: Callable[[str, Path], nn.Module]  # (extractor name, verified weight file) -> network
    preparation: Preparation
    width: int
    parameters: int
    architecture: str
    purpose: str
    source: str
    licence: str
    classes: int | None = None
    head: str | None = None  # sha256 of weights beside the file
    piece: int = 50  # images per forward pass


TF_WEIGHTS = "Apache-2.0 (TensorFlow models)"
TORCHVISION = "BSD-3-Clause (torchvision)"
STEIN = "Oquab et al. 2023 (arXiv:2304.07193); for FD: Stein et al. 2023 (arXiv:2306.04675)"
ZHANG = "Zhang et al. 2018 (arXiv:1801.03924), version 0.1"

OFFICIAL: Mapping[str, Official] = {
    "inception-v3": Official(
        INCEPTION, networks.inception, networks.resized(299), 2048, 23_850_960, "Inception-v3, TensorFlow 2015-12-05", "FID, KID and IS",
        "Heusel et al. 2017 (arXiv:1706.08500); Salimans et al. 2016 (arXiv:1606.03498)", TF_WEIGHTS, classes=1008,
    ),
    "vgg16": Official(
        VGG16, networks.vgg16, networks.resized(224), 4096, 134_260_544, "VGG16, fc2 after ReLU", "precision and recall",
        "Kynkäänniemi et al. 2019 (arXiv:1904.06991)", TORCHVISION, piece=25,
    ),
    "dinov2-vit-s-14": Official(
        DINOV2_S, networks.dinov2, networks.resized(224), 384, 22_056_576, "DINOv2 ViT-S/14", "FD-DINOv2, small", STEIN, "Apache-2.0"
    ),
    "dinov2-vit-l-14": Official(
        DINOV2_L, networks.dinov2, networks.resized(224), 1024, 304_368_640, "DINOv2 ViT-L/14", "FD-DINOv2", STEIN, "Apache-2.0", piece=25
    ),
    "clip-vit-b-32": Official(
        CLIP_B32, networks.clip, networks.resized(224), 512, 87_849_216, "CLIP ViT-B/32, image side", "features with language supervision",
        "Radford et al. 2021 (arXiv:2103.00020)", "MIT",
    ),
    "clip-vit-l-14-336": Official(
        CLIP_L14_336, networks.clip, networks.resized(336), 768, 304_293_888, "CLIP ViT-L/14 at 336, image side", "CMMD's features",
        "Jayasumana et al. 2024 (arXiv:2401.09603)", "MIT", piece=10,
    ),
    "lpips-alex": Official(
        ALEXNET, networks.lpips, networks.PlusMinusOne(), 1152, 2_470_848, "LPIPS on AlexNet", "LPIPS between images", ZHANG,
        TORCHVISION, head=networks.LPIPS_HEADS["alex"], piece=100,
    ),
    "lpips-vgg": Official(
        VGG16, networks.lpips, networks.PlusMinusOne(), 1472, 14_716_160, "LPIPS on VGG16", "LPIPS between images, path length", ZHANG,
        TORCHVISION, head=networks.LPIPS_HEADS["vgg"], piece=25,
    ),
    "lpips-squeeze": Official(
        SQUEEZENET, networks.lpips, networks.PlusMinusOne(), 2240, 724_736, "LPIPS on SqueezeNet", "LPIPS between images, fast", ZHANG,
        TORCHVISION, head=networks.LPIPS_HEADS["squeeze"], piece=100,
    ),
}  # fmt: skip


def names() -> list[str]:
    """The networks that can be asked for, whether their weights are here or not."""
    return sorted(OFFICIAL)


def is_here(name: str) -> bool:
    """Whether the weights lie where they are looked for (their digest is checked when they are used)."""
    return weight_files.find(_known(name).file) is not None


def missing(name: str) -> str | None:
    """Why the network cannot be used without a download, or None."""
    return None if is_here(name) else f"the weights of {name}, {_known(name).file.name}, were not available"


def card(name: str) -> Card:
    """What is known of a network without its weights."""
    network = _known(name)
    return Card(
        name=name, purpose=network.purpose, architecture=network.architecture, parameters=network.parameters,
        width=network.width, classes=network.classes, preprocessing=str(network.preparation), digest=_digest(network),
        accuracy_of="not a classifier of ours", command=f"bench extractors import {name} {network.file.name}",
        licence=network.licence, source=f"{network.source}; {network.file.url}",
    )  # fmt: skip


def build(name: str, device: str | torch.device = "cpu") -> Extractor:
    """The network on its verified weights.

    Raises UserError when the weights are not here and cannot be downloaded, or are not what they should be.
    """
    network = _known(name)
    net = network.open(name, weight_files.verified(name, network.file)).eval().requires_grad_(False).to(device)
    channels_last: Network = net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return Extractor(card(name), network.preparation, channels_last, torch.device(device), network.piece)


def import_weights(name: str, source: Path) -> Path:
    """`bench extractors import NAME FILE`: verify a file brought by hand and keep it; returns where it lies now."""
    return weight_files.import_file(name, [_known(name).file], source)


def _known(name: str) -> Official:
    if name not in OFFICIAL:
        raise unknown("official extractor", name, OFFICIAL)
    return OFFICIAL[name]


def _digest(network: Official) -> str:
    """Of the weight file, or of file and head where there are both."""
    if network.head is None:
        return network.file.sha256
    return hashlib.sha256(f"{network.file.sha256} {network.head}".encode()).hexdigest()
