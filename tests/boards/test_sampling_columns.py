"""What catalogues say, beside the scores."""

from dataclasses import replace

from bench import catalogue
from bench.boards import board, board_json, render, sampling_columns
from bench.boards.sampling_columns import with_catalogue

FID = "fid@digits-cnn"


def built(make_record, *names: str):
    return board.build([make_record(name, seed, {FID: 10.0 + seed}) for name in names for seed in range(2)])


def test_a_member_of_one_pass_and_no_help_adds_its_parameters_at_inference_alone(make_record):
    text = render.render(with_catalogue(built(make_record, "dcgan")), "md")
    assert "Parameters at inference" in text
    assert not any(word in text for word in ("Passes per sample", "Teacher", "Pretrained features"))


def test_an_unknown_member_has_no_facts(make_record):
    plain = built(make_record, "somebody-else")
    assert with_catalogue(plain).rows == plain.rows


def test_passes_follow_the_row_s_own_parameters(make_record, monkeypatch):
    """Of two rows one has its steps in its record; the other's record is older than that and says nothing."""
    found = built(make_record, "ddpm", "dcgan")
    rows = [replace(row, arguments=(("steps", 7),)) if row.member == "ddpm" else row for row in found.rows]
    shown = with_catalogue(replace(found, rows=tuple(rows)))
    assert {row.member: row.cost.passes for row in shown.rows} == {"ddpm": 7, "dcgan": 1}
    assert {row.member: row.cost.passes for row in with_catalogue(found).rows} == {"ddpm": None, "dcgan": 1}
    assert "Passes per sample" in render.render(shown, "md")


def test_help_is_named_and_survives_json(make_record, monkeypatch):
    entry = catalogue.Entry(
        title="", year=2021, family="", objective="", teacher="EDM", features="a classifier of CIFAR-10", passes="4"
    )
    monkeypatch.setattr(sampling_columns.catalogue, "entry", lambda listing: entry)
    shown = with_catalogue(built(make_record, "dcgan"))
    text = render.render(shown, "md")
    assert "Teacher" in text
    assert "a classifier of CIFAR-10" in text
    again = board_json.read(board_json.write(shown))
    assert (again.rows[0].teacher, again.rows[0].features) == ("EDM", "a classifier of CIFAR-10")
    assert again.rows[0].cost == shown.rows[0].cost
