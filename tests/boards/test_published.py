"""Published rows: sound as data, honest as text."""

import pytest

from bench.boards import board, published, render
from bench.errors import UserError

FID = "fid@cifar10-cnn"


def test_every_row_names_its_source_and_protocol():
    rows = published.load()
    assert len(rows) >= 70
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.source.repository.startswith("https://github.com/")
        assert row.source.commit in row.source.address
        assert row.values
        assert row.protocol["data"]["name"] in {"cifar10", "celeba", "stacked-mnist"}
        assert row.spread.keys() <= row.values.keys()
        assert bool(row.spread_kind) or not row.spread, f"{row.id}: a spread over what?"
        assert row.verified == (row.source.read != "second-hand")


@pytest.mark.parametrize(
    ("name", "metric", "value"),
    [
        ("studiogan/cifar10/dcgan", "fid", 48.29),
        ("studiogan/cifar10/stylegan2-ada", "fid", 2.31),
        ("mimicry/cifar10/sngan", "kid", 0.0125),
        ("mimicry/celeba-128/infomax-gan", "fid", 9.5),
        ("pacgan/stacked-mnist/pacdcgan2", "modes", 1000),
        ("stylegan2-ada/cifar10/stylegan2-ada", "fid", 2.42),
    ],
)
def test_values_are_as_published(name, metric, value):
    assert published.find(name).values[metric] == value


def test_an_unknown_row_gets_a_hint():
    with pytest.raises(UserError, match="Did you mean 'mimicry/cifar10/sngan'"):
        published.find("mimicry/cifar10/sngam")


def test_a_broken_file_is_named(tmp_path):
    for content in ("[source", "[source]\nid = 1\n", "x = 1\n"):
        (tmp_path / "bad.toml").write_text(content)
        with pytest.raises(UserError, match=r"bad\.toml"):
            published.load(tmp_path)


def test_rows_stand_beside_a_board_with_the_reason(make_record):
    rules = make_record().protocol
    rules = {**rules, "data": {"name": "cifar10", "resolution": 32, "flip": False}}
    built = board.build(
        [make_record(name, 0, {FID: 10.0}, suite="cifar10", protocol=rules, ranking=FID) for name in ("sngan", "r3gan")]
    )
    beside = {one.reference.id: one for one in published.beside(built)}
    assert {"mimicry/cifar10/sngan", "r3gan/cifar10/r3gan"} <= beside.keys()
    assert not any(name.startswith("mimicry/celeba") for name in beside)
    assert published.reason(beside["mimicry/cifar10/sngan"]) == "no: other extractor, samples, images; flip not stated"
    text = render.render(built, "md")
    assert "Published by others, never ranked with ours" in text
    assert "R3GAN (unverified)" in text
    assert "fid 16.77 ± 0.04" in text
    assert "(± standard deviation over 3 sample seeds of one training)" in text


def test_boards_of_other_data_have_no_such_section(make_record):
    assert "Published by others" not in render.render(board.build([make_record("dcgan")]), "md")
