"""What an exported PNG says of its origin: that a model made it, and which. Pixels are not touched.

The digital source type is IPTC's, in XMP, which programs for pictures read; the rest is in text chunks. Anybody can remove
or forge both: they inform, and prove nothing.
"""

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from PIL.PngImagePlugin import PngInfo

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP_KEY = "XML:com.adobe.xmp"  # of the iTXt chunk that holds XMP (XMP specification, part 3, section 1.1.5)


@dataclass(frozen=True)
class Origin:
    """Where generated images come from."""

    member: str
    suite: str
    source: str  # the record or checkpoint that was named
    checkpoint: str  # sha256 of its file, hexadecimal
    training_seed: int
    seed: int  # of the latents
    kept: str = ""  # how images were left out, where they were

    def chunks(self) -> PngInfo:
        """For `save(..., pnginfo=)`."""
        found = PngInfo()
        found.add_itxt(XMP_KEY, xmp())
        for key, value in vars(self).items():
            if value != "":
                found.add_itxt(f"gan-bench:{key}", str(value))
        return found


def xmp() -> str:
    """The XMP packet: made by a trained model."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(SOURCE_TYPE)}/></rdf:RDF></x:xmpmeta>"
    )
