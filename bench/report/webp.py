"""Pictures in fewer bytes, for a page that holds them inside: lossless where that is small, else at a quality that hides nothing.

The file beside the record stays as it is, and the page links to it.
"""

import io
from functools import lru_cache

from PIL import Image

SMALL = 48_000  # bytes up to which every pixel is kept
QUALITY = 92  # of larger ones: at 90 to 95 a grid of photographs shows no difference beside its PNG
LARGEST = 16_383  # pixels of a side that the format allows
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # eight bits a channel
PNG = b"\x89PNG\r\n\x1a\n"


@lru_cache(maxsize=4096)
def smaller(content: bytes) -> bytes:
    """A sound picture as WebP where it is a PNG and that is smaller; else as it is. The same bytes give the same bytes."""
    if not content.startswith(PNG):
        return content
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        if max(image.size) > LARGEST or image.mode not in MODES:
            return content
        found = _encoded(image, lossless=True)
        if len(found) > SMALL:
            found = min(found, _encoded(image, lossless=False), key=len)
    return found if len(found) < len(content) else content


def _encoded(image: Image.Image, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=75 if lossless else QUALITY, method=4, exact=True)
    return buffer.getvalue()
