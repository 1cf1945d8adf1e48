"""Networks that others published, opened from a verified weight file and given one form: images in, features out."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.files import sha256_of

DINOV2_CODE = "facebookresearch/dinov2:7764ea0f912e53c92e82eb78a2a1631e92725fc8"
# The linear heads of LPIPS v0.1, which come with the lpips package.
LPIPS_HEADS = {
    "alex": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    "vgg": "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    "squeeze": "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
}


@dataclass(frozen=True)
class Colour:
    """Grey images get three equal channels; the network resizes by itself."""

    resizing: str

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1 or 3, H, W) uint8 => (N, 3, H, W) uint8."""
        if images.dtype != torch.uint8:
            raise UserError("this network reads 8-bit images only. For path lengths use one of the lpips networks.")
        return images.expand(-1, 3, -1, -1)

    def __str__(self) -> str:
        return f"RGB (grey repeated), uint8; {self.resizing}"


@dataclass(frozen=True)
class PlusMinusOne:
    """Grey images get three equal channels; pixels in [-1, 1], at the images' own size."""

    smallest: int = 32  # pixels: below, the networks' poolings have nothing left

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1 or 3, H, W) in [0, 255] => (N, 3, H, W) float32 in [-1, 1]."""
        if min(images.shape[2:]) < self.smallest:
            raise UserError(
                f"LPIPS needs images of at least {self.smallest} pixels, these have {tuple(images.shape[2:])}."
            )
        return (images.float() / 127.5 - 1).expand(-1, 3, -1, -1)

    def __str__(self) -> str:
        return "RGB (grey repeated), float32 in [-1, 1], no resize"


def resized(side: int) -> Colour:
    """The preparation of a network that resizes to ``side`` pixels by itself."""
    return Colour(f"resize {side}x{side} bilinear as TensorFlow 1, no antialias")


class LastOf(nn.Module):
    """A torch-fidelity extractor as (features, logits)."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """(N, 3, H, W) uint8 => features (N, D), logits (N, K) or None."""
        found = self.inner(images)
        return found[0], found[1] if len(found) > 1 else None


class DinoV2(nn.Module):
    """The class token of DINOv2, with torch-fidelity's preprocessing."""

    MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        """(N, 3, H, W) uint8 => features (N, D)."""
        from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as resize

        mean, spread = (images.new_tensor(v, dtype=torch.float32).view(3, 1, 1) * 255 for v in (self.MEAN, self.SPREAD))
        return self.model((resize(images.float(), size=(224, 224), align_corners=False) - mean) / spread), None


class LpipsEmbedding(nn.Module):
    """Images to vectors whose squared distance is LPIPS: unit activations, scaled by the roots of the head's weights."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        """(N, 3, H, W) float in [-1, 1] => (N, D), D depending on H and W."""
        import lpips

        model = self.model
        layers = model.net.forward(model.scaling_layer(images))  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
        parts = []
        for activation, head in zip(layers, model.lins, strict=True):  # pyright: ignore[reportArgumentType]
            weight = head.model[-1].weight.clamp(min=0) / activation[0, 0].numel()  # (1, C, 1, 1)
            parts.append((lpips.normalize_tensor(activation) * weight.sqrt()).flatten(1))
        return torch.cat(parts, 1), None


def inception(name: str, path: Path) -> nn.Module:
    """Inception-v3 of 2015: pool3 features and the logits without bias."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    return LastOf(FeatureExtractorInceptionV3(name, ["2048", "logits_unbiased"], str(path)))


def vgg16(name: str, path: Path) -> nn.Module:
    """VGG16: the second fully connected layer after ReLU."""
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    return LastOf(FeatureExtractorVGG16(name, ["fc2_relu"], str(path)))


def clip(name: str, path: Path) -> nn.Module:
    """The image side of CLIP."""
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

    return LastOf(FeatureExtractorCLIP(name, ["clip"], str(path)))


def dinov2(name: str, path: Path) -> nn.Module:
    """DINOv2; the architecture's code comes from its repository at a fixed commit, through torch.hub's cache."""
    entry = "dinov2_" + path.name.split("_")[1]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that xFormers is not installed
            model = torch.hub.load(DINOV2_CODE, entry, pretrained=False, trust_repo=True, verbose=False)  # pyright: ignore[reportArgumentType]
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"extractor {name!r}: the code of DINOv2 ({DINOV2_CODE}) is neither in {torch.hub.get_dir()} nor can it be "
            f"downloaded: {error}. Run once where there is a network, or copy that folder from a machine that has it."
        ) from None
    assert isinstance(model, nn.Module)
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return DinoV2(model)


def lpips(name: str, path: Path) -> nn.Module:
    """lpips builds the network; its trunk gets the verified weights instead of torchvision's unverified download."""
    import lpips

    net = name.removeprefix("lpips-")
    _demand_head(net, Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # lpips calls torchvision by a deprecated argument
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    weights = torch.load(path, map_location="cpu", weights_only=True)
    trunk = {key: weights["features." + key.split(".", 1)[1]] for key in model.net.state_dict()}
    model.net.load_state_dict(trunk)
    return LpipsEmbedding(model)


def _demand_head(net: str, path: Path) -> None:
    found = sha256_of(path)
    if found != LPIPS_HEADS[net]:
        raise UserError(f"{path}: its sha256 is {found}, expected {LPIPS_HEADS[net]}. Reinstall the package lpips.")
