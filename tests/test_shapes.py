"""Annotations with shapes are checked while tests run (`--jaxtyping-packages` in pyproject.toml), and only then."""

import subprocess
import sys

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from bench.gan import Batch, Context, Draw, Now, Prompt, Turn
from bench.training.sampling import SampleRequest, tile
from zoo.augmentation.diffaugment import colour

IMAGES = torch.zeros(4, 3, 8, 8)


class Judging(Turn):
    """Fakes that are one channel short of images, and are not checked here."""

    def judge(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))


def test_a_wrong_shape_raises():
    with pytest.raises(TypeCheckError):
        Batch(IMAGES[0])
    with pytest.raises(TypeCheckError):
        Batch(IMAGES, labels=torch.zeros(3, dtype=torch.int64))  # 4 images, 3 labels
    with pytest.raises(TypeCheckError):
        Batch(IMAGES, labels=torch.zeros(4))  # labels are whole numbers
    with pytest.raises(TypeCheckError):
        Prompt(4, torch.Generator(), latents=torch.zeros(4, 2, 1))
    with pytest.raises(TypeCheckError):
        SampleRequest(4, 0, source=IMAGES)  # pictures of a request are uint8
    with pytest.raises(TypeCheckError):
        tile(IMAGES)
    with pytest.raises(TypeCheckError):
        colour(IMAGES[0], torch.Generator())
    turn = Judging(Context({}, Draw(Batch(IMAGES)), "critic", Now(0, 1, 0), torch.Generator()))
    with pytest.raises(TypeCheckError):
        turn.leaf("real", IMAGES[0])
    assert turn.real_logits.shape == (4,)


def test_outside_of_tests_nothing_is_checked():
    program = (
        "import torch; from bench.gan import Batch; Batch(torch.zeros(2)); import sys; print('beartype' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
