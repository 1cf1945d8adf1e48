"""Speed records beside the rows of a board, and FLOPs in the gate."""

import json

import pytest

from bench.boards import board, board_json, render
from bench.boards.speed_columns import with_speed
from bench.boards.verdicts.gate import Exit, gate
from bench.records import merge, speed_figures
from bench.records import speed as records
from bench.records.record import Environment, Member

FID = "fid@digits-cnn"


def speed(source: str = "s1", flops: int = 1_000, ms: float = 10.0, cpu: str = "a", parameters=None, finished="1"):
    timed = records.Generation(batch=8, rounds=((ms, ms),), stable=True)
    return records.SpeedRecord(
        member=Member(name="dcgan", entry_point="m:f", distribution="", source_digest=source, task="unconditional"),
        size=records.Size(channels=1, resolution=16, classes=0, source_channels=0),
        parameters=parameters or {"generator": 1_000, "discriminator": 900},
        flops_sample=flops,
        flops_training_image=9.0,
        modes=(records.ModeResult(mode="eager", generation=(timed,)),),
        environment=Environment(
            python="3", system="", cpu=cpu, cores=2, memory_bytes=1, accelerator=None, threads=2, packages={},
            device="cpu", channels_last=False, compiled=False, commit=None, dirty=False,
        ),
        surroundings=records.Surroundings(other_cores=0.0, load_average=0.0, megahertz=None, warnings=()),
        command="", started="2026-01-01T00:00:00Z", finished=f"2026-01-01T00:00:0{finished}Z",
    )  # fmt: skip


def built(make_record):
    return board.build([make_record("dcgan", seed, {FID: 10.0 + seed}) for seed in range(3)])


def test_a_board_shows_what_a_fitting_record_measured(make_record):
    found = with_speed(built(make_record), [speed()])
    assert found.rows[0].cost.flops_sample == 1_000
    assert found.rows[0].cost.samples_per_second == 800.0  # eight in ten milliseconds
    text = render.render(found, "md")
    assert "FLOPs per sample" in text
    assert "Samples per second: most over the batch sizes measured, eager, on cpu (a, 2 threads)." in text


@pytest.mark.parametrize("other", [speed(source="s2"), speed(parameters={"generator": 1})])
def test_a_record_of_other_code_or_another_size_says_nothing(make_record, other):
    plain = built(make_record)
    assert with_speed(plain, [other]) is plain
    assert "FLOPs" not in render.render(plain, "md")


def test_throughput_of_different_machines_shares_no_column(make_record):
    both = [make_record(name, seed, {FID: 10.0}) for name in ("dcgan", "other") for seed in range(2)]
    elsewhere = speed(cpu="b", finished="2")
    elsewhere = elsewhere.model_copy(update={"member": elsewhere.member.model_copy(update={"name": "other"})})
    found = {row.member: row.cost for row in with_speed(board.build(both), [speed(), elsewhere]).rows}
    assert found["dcgan"].samples_per_second is None  # measured on the older machine
    assert found["dcgan"].flops_sample == 1_000
    assert found["other"].samples_per_second == 800.0


def test_a_board_survives_its_json_with_speed(make_record):
    found = with_speed(built(make_record), [speed()])
    assert board_json.read(board_json.write(found)).rows[0].cost == found.rows[0].cost


def test_flops_gate_exactly(make_record):
    plain = built(make_record)
    before, after = with_speed(plain, [speed()]), with_speed(plain, [speed(flops=1_001)])
    assert gate(before, before).exit == Exit.PASS
    worse = gate(after, before)
    assert worse.exit == Exit.REGRESSED
    assert [cell.quantity for cell in worse.of("regressed")] == ["flops"]
    assert gate(before, after).exit == Exit.PASS
    assert all(cell.quantity != "flops" for cell in gate(plain, before).cells)  # not counted on both sides


def test_validate_reads_speed_records_too(tmp_path):
    from bench.records.merge import validate

    path = records.write(speed(), tmp_path)
    assert validate(tmp_path) == []
    path.write_text(path.read_text().replace('"flops_sample": 1000', '"flops_sample": 1'))
    assert [problem.path for problem in validate(tmp_path)] == [path]


def test_speed_records_do_not_look_like_a_suite(make_record, tmp_path):
    from bench.records import record as training_records

    training_records.write(make_record("dcgan"), tmp_path)
    path = records.write(speed(), tmp_path)
    assert json.loads(path.read_text())["flops_sample"] == 1_000
    assert {found.parent.parent.name for found in training_records.paths(tmp_path)} == {"digits"}


def test_merging_brings_speed_records_along(make_record, tmp_path):
    path = records.write(speed(), tmp_path / "a")
    assert merge.merge([tmp_path / "a"], tmp_path / "out").files == 1
    assert (tmp_path / "out" / path.relative_to(tmp_path / "a")).read_bytes() == path.read_bytes()
    assert merge.validate(tmp_path / "out") == []


def test_json_has_the_figures_in_front_of_the_raw_rounds():
    rounds = ((4.0, 1.0), (2.0, 3.0))
    found = records.ModeResult(
        mode="eager",
        generation=(
            records.Generation(batch=1, rounds=rounds, stable=True),
            records.Generation(batch=8, rounds=((2.0,),), stable=True),
        ),
        generation_peak_bytes=7,
    )
    record = speed().model_copy(update={"modes": (found,)})
    content = json.loads(speed_figures.as_json(record))
    (mode,) = content["modes"]
    assert list(mode)[:2] == ["mode", "summary"]
    assert mode["generation"][0]["rounds"] == [[4.0, 1.0], [2.0, 3.0]]
    assert mode["summary"]["latency_ms"] == pytest.approx({"p50": 2.5, "p90": 3.7, "p99": 3.97})  # linear between calls
    assert mode["summary"]["throughput"] == {"batch": 8, "images_per_second": 4000.0}
    assert mode["summary"]["images_per_second_by_batch"] == {"1": 400.0, "8": 4000.0}
    assert mode["summary"]["generation_peak_bytes"] == 7
    assert mode["summary"]["training_images_per_second"] is None
    assert content["flops_sample"] == record.flops_sample
