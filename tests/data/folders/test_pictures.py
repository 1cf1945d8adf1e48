import io

import numpy as np
import pytest
from PIL import Image

from bench.data.folders.decode import BrokenPictureError, centre_square, pixels, read_header, read_picture, resize_array


def encoded(image: Image.Image, kind: str = "PNG", **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def test_transparency_is_laid_on_white():
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0] = [[255, 0, 0, 255], [0, 0, 0, 0], [0, 0, 0, 128]]
    got = pixels(read_picture(encoded(Image.fromarray(rgba)), colour=True))[:, 0]
    assert got[:, 0].tolist() == [255, 0, 0]
    assert got[:, 1].tolist() == [255, 255, 255]
    assert got[:, 2].tolist() == [127, 127, 127]


def test_a_transparent_palette_colour_is_laid_on_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    got = pixels(read_picture(encoded(image, transparency=0), colour=True))[:, 0]
    assert got.T.tolist() == [[255, 255, 255], [40, 50, 60]]


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 128, 129, 257, 32896, 65535]], dtype=np.uint16)
    got = pixels(read_picture(encoded(Image.fromarray(values)), colour=False))
    assert got.tolist() == [[[0, 0, 1, 1, 128, 255]]]


@pytest.mark.parametrize(
    ("mode", "colour"), [("1", False), ("L", False), ("LA", False), ("P", True), ("RGB", True), ("CMYK", True)]
)
def test_every_mode_becomes_eight_bits(mode, colour):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = Image.new("RGB", (5, 4), "white").convert(mode)
    assert read_header(encoded(image, kind)).colour is colour
    for want, channels in ((True, 3), (False, 1)):
        got = pixels(read_picture(encoded(image, kind), want))
        assert got.shape == (channels, 4, 5)
        assert (got == 255).all()


def test_grey_as_colour_keeps_its_values(noise):
    grey = noise(6, 5)
    got = pixels(read_picture(encoded(Image.fromarray(grey)), colour=True))
    assert all((channel == grey).all() for channel in got)


def test_a_photograph_on_its_side_is_turned_upright(noise):
    image = Image.fromarray(noise(4, 6, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    file = encoded(image, exif=exif)
    header = read_header(file)
    assert (header.width, header.height) == (4, 6)
    file.seek(0)
    assert (pixels(read_picture(file, True)) == pixels(image.rotate(-90, expand=True))).all()


def test_animations_are_refused(noise):
    frames = [Image.fromarray(noise(8, 8, seed=i)) for i in range(3)]
    file = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(BrokenPictureError, match="3 frames"):
        read_picture(file, True)


def test_floating_point_is_refused():
    file = encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(BrokenPictureError, match="floating-point"):
        read_picture(file, False)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_truncated_file_is_broken(kind, noise):
    whole = encoded(Image.fromarray(noise(64, 64, 3)), kind).getvalue()
    with pytest.raises(BrokenPictureError):
        read_picture(io.BytesIO(whole[: len(whole) // 2]), True)


def test_what_is_no_image_is_said_to_be_none():
    with pytest.raises(BrokenPictureError, match="not an image"):
        read_header(io.BytesIO(b"hello, this is a letter"))


def test_a_picture_bomb_is_refused(monkeypatch, noise):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for size in (12, 40):  # a warning above the limit, an error above twice the limit
        with pytest.raises(BrokenPictureError, match="more than 100 pixels"):
            read_header(encoded(Image.fromarray(noise(size, size))))


def test_the_centre_is_cut_out(noise):
    array = noise(10, 16, 3)
    got = pixels(centre_square(Image.fromarray(array), 10))
    assert (got == array[:, 3:13].transpose(2, 0, 1)).all()


def test_shrinking_averages():
    """Antialiased: a fine chessboard becomes even grey. Without it, it would stay black and white."""
    board = np.indices((64, 64)).sum(0) % 2 * 255
    got = resize_array(board[None].astype(np.uint8), 8)
    assert got.min() >= 120
    assert got.max() <= 135
