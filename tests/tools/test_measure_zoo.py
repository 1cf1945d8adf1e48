"""The page of what the zoo learns on digits: what its lines become, and that it is fresh."""

import hashlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
TRACE = hashlib.sha256((ROOT / "tests" / "zoo" / "traces" / "dcgan.json").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def measure_zoo() -> ModuleType:
    sys.path.append(str(ROOT / "tools"))  # where the program finds zoo_page.py when it is run
    spec = importlib.util.spec_from_file_location("measure_zoo", ROOT / "tools" / "measure_zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def line(measure_zoo: ModuleType):
    return measure_zoo.Line("dcgan", "abc", 48_000, 0, False, 500.0, 50.0, None, TRACE)


def test_both_bars_count(line):
    assert line.passes
    assert not replace(line, fid_after=101.0).passes
    assert not replace(line, fid_after=None).passes
    conditional = replace(line, conditional=True)
    assert not conditional.passes
    assert not replace(conditional, accuracy=0.79).passes
    assert replace(conditional, accuracy=0.8).passes


def test_a_line_takes_the_place_of_an_older_one(measure_zoo: ModuleType, line, tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    other = replace(line, member="acgan")
    for kept in (line, other, replace(line, source_digest="def", fid_after=20.0)):
        measure_zoo.keep(kept, path)
    assert measure_zoo.read(path) == [other, replace(line, source_digest="def", fid_after=20.0)]


def test_the_page_lists_what_misses(measure_zoo: ModuleType, line):
    wgan = replace(line, member="wgan", fid_after=200.0)
    longer = replace(wgan, images=240_000, fid_after=80.0)
    page = measure_zoo.page([line, wgan, longer, replace(line, member="x", fid_after=None)])
    assert "| `dcgan` | 48,000 | 500.0 | 50.0 | 10.0 |  | yes | current |" in page
    assert "| `wgan` | 48,000 | 500.0 | 200.0 | 2.5 |  | no | earlier |" in page  # its trace is another
    assert "- `wgan`: FID 2.5 times lower" in page
    assert "With 240,000 images: FID 6.2 times lower." in page
    assert "- `x`: diverged" in page
    assert "- `dcgan`" not in page


@pytest.mark.slow
def test_a_member_is_measured_before_and_after(measure_zoo: ModuleType, tmp_path: Path):
    lines = tmp_path / "zoo.jsonl"
    measure_zoo.main(["cgan", "--images", "64", "--lines", str(lines), "--grids", str(tmp_path)])
    (found,) = measure_zoo.read(lines)
    assert (found.member, found.images, found.conditional) == ("cgan", 64, True)
    assert found.fid_before > 100
    assert found.fid_after != found.fid_before
    assert 0 <= found.accuracy <= 1
    assert (tmp_path / "cgan.png").is_file()
    before = lines.read_text()
    measure_zoo.main(["cgan", "--images", "64", "--lines", str(lines)])  # has its line: nothing is trained
    assert lines.read_text() == before


def test_the_page_is_fresh(measure_zoo: ModuleType):
    if not measure_zoo.LINES.exists():
        pytest.skip("docs/zoo_on_digits.jsonl has not been measured")
    made = measure_zoo.page(measure_zoo.read(measure_zoo.LINES))
    assert sys.modules["zoo_page"].PAGE.read_text(encoding="utf-8") == made, "stale: python tools/measure_zoo.py --page"


def test_a_sheet_has_a_tile_for_every_grid(measure_zoo: ModuleType, line, tmp_path: Path):
    for name in ("dcgan", "wgan"):
        Image.new("L", (142, 142), 255 if name == "wgan" else 0).save(tmp_path / f"{name}.png")
    lines = [line, replace(line, member="wgan"), replace(line, member="without-a-grid")]
    made = measure_zoo.sheet(lines, tmp_path, columns=2)
    assert made.size == (2 * (2 * 142 + 12), 2 * (142 * 3 // 8) + 26)
    assert made.getpixel((10, 40)) == (0, 0, 0)
    assert made.getpixel((2 * 142 + 22, 40)) == (255, 255, 255)
    Image.new("L", (142, 142), 128).save(tmp_path / "wgan.png")
    (tmp_path / "dcgan.png").unlink()
    renewed = measure_zoo.sheet(lines[:2], tmp_path, made, columns=2)  # dcgan keeps its tile
    assert renewed.size == made.size
    assert renewed.getpixel((10, 40)) == (0, 0, 0)
    assert renewed.getpixel((2 * 142 + 22, 40)) == (128, 128, 128)
    Image.new("L", (142, 142), 64).save(tmp_path / "acgan.png")
    (tmp_path / "wgan.png").unlink()
    grown = measure_zoo.sheet(
        [replace(line, member="acgan"), *lines[:2]], tmp_path, renewed, columns=2
    )  # all move on by one
    assert [grown.getpixel((x, y))[0] for x, y in ((10, 40), (2 * 142 + 22, 40), (10, made.height + 40))] == [
        64,
        0,
        128,
    ]
    with pytest.raises(SystemExit):
        measure_zoo.main(["--page", "--sheet", str(tmp_path / "sheet.png")])
