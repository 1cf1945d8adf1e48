"""The process in which things are timed: what it answers, and what it says when something is wrong."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench import members
from bench.errors import UserError
from bench.gan import ImageSpec
from bench.perf import measure, member, text
from bench.perf.case import WorkloadSpec, batches, modes
from bench.perf.machine import Load, Moment, energy_counter, load_between, megahertz, moment
from bench.perf.process import NoMemoryError, UnsupportedError, Worker
from bench.perf.versus import Side, checkout, sides, versus
from bench.records import speed as records
from bench.records import speed_figures

pytestmark = pytest.mark.slow

CASE = WorkloadSpec("toys:toy", 1, 8, 0, 0, "eager", "cpu", 1, "generation", 4)
ASKED = member.PerfOptions(1, 8, 0, "cpu", 1, ("eager",), (1, 4), 4)


@pytest.fixture(scope="module", autouse=True)
def toys_can_be_imported(toys):
    """By the worker processes too."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), before or ""])
    yield
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="module")
def worker():
    with Worker() as found:
        yield found


def test_generation_is_timed_call_by_call(worker):
    opened = worker.open("g", CASE)
    assert set(opened.seconds) == {"import", "build", "first_call"}
    assert opened.images == 4
    times = worker.round("g", 7)
    assert len(times) == 7
    assert min(times) > 0
    worker.close("g")


def test_training_is_timed_by_iteration_and_by_player(worker):
    opened = worker.open("t", replace(CASE, what="training", stage=1))
    assert opened.images == 8  # two critic steps draw two batches of four
    assert len(worker.round("t", 3)) == 3
    times = worker.updates("t", 4)
    assert len(times["generator"]) == 4
    assert len(times["critic"]) == 4 * 2 + 1  # and one lazy update in four iterations
    worker.close("t")


def test_the_peak_of_memory_is_that_of_the_process(worker):
    assert 50 << 20 < worker.peak_bytes() < 50 << 30


def test_a_batch_that_does_not_fit_is_an_answer(worker):
    with pytest.raises(NoMemoryError):
        worker.open("huge", replace(CASE, batch=1 << 22), memory_limit_bytes=600 << 20)


def test_a_member_that_does_not_exist_is_said(worker):
    with pytest.raises(UserError, match="no module 'nowhere'"):
        worker.open("x", replace(CASE, call="nowhere:toy"))


def test_a_device_that_does_not_exist_is_refused():
    from bench.cli.choices import execution_of

    with pytest.raises(UserError, match="--device cuda:77"):
        execution_of("cuda:77")
    with pytest.raises(UserError, match="--device abacus"):
        execution_of("abacus")


def test_what_cannot_run_in_a_mode_is_recorded_in_words(monkeypatch):
    class Refusing:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def open(self, *_, **__):
            raise UnsupportedError("operator torch.randn (noise.py line 3): not supported")

    monkeypatch.setattr(measure, "Worker", Refusing)
    found = measure.ModeRun(replace(CASE, mode="compile"), measure.Effort((1,), 4, (1.0,), fresh=1)).run()
    assert found.not_measured == {
        "generation": "this member cannot run as compile: operator torch.randn (noise.py line 3): not supported"
    }


@pytest.fixture(scope="module")
def measured(toys_can_be_imported) -> records.SpeedRecord:
    effort = measure.Effort(
        (1, 1 << 22), 4, (1.0, 3.0), rounds=2, fresh=1, warm_up_seconds=0.01, memory_limit_bytes=1200 << 20
    )
    return member.measure("toys:toy", ASKED, effort)


def test_a_record_holds_every_quantity(measured, tmp_path):
    found = measured.mode()
    assert found is not None
    latency = speed_figures.latency(found)
    assert latency is not None
    assert 0 < latency.p50 <= latency.p90 <= latency.p99
    assert "training" not in found.not_measured, found.not_measured
    assert (speed_figures.training_images_per_second(found) or 0) > 0
    assert set(speed_figures.update_ms(found)) == {"generator", "critic"}
    assert (speed_figures.first_image_seconds(found) or 0) > 0
    assert found.generation_peak_bytes
    assert found.training_peak_bytes
    assert found.not_measured["energy"].startswith("not available")
    assert measured.flops_sample == 2 * (4 * 32 + 32 * 64)
    path = records.write(measured, tmp_path)
    assert records.read(path) == measured.sealed()
    assert list(records.read_all(tmp_path)) == [measured.sealed()]
    shown = text.render(measured)
    assert "FLOP per sample" in shown
    assert measured.environment.cpu in shown


def test_the_limit_of_memory_is_found_and_reported(measured):
    found = measured.mode()
    assert found.batch_limit == 1 << 22
    assert "does not fit in memory" in found.not_measured[f"batch {1 << 22}"]
    assert "the largest that was measured is 1" in found.not_measured[f"batch {1 << 22}"]


def test_stages_weigh_by_their_share_of_the_budget(measured):
    slow = records.StageTraining(share=1, batch=4, images=4, rounds=((40.0,),), updates={}, stable=True)
    fast = slow.model_copy(update={"share": 3.0, "rounds": ((20.0,),)})
    found = records.ModeResult(mode="eager", training=(slow, fast))
    assert speed_figures.training_images_per_second(found) == pytest.approx(4 / (0.25 * 0.040 + 0.75 * 0.020))


def test_an_edited_record_is_refused(measured, tmp_path):
    path = records.write(measured, tmp_path)
    content = json.loads(path.read_text())
    content["flops_sample"] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="does not match its digest"):
        records.read(path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(UserError, match="truncated or not JSON"):
        records.read(path)


def test_a_slow_down_is_found_by_real_processes(monkeypatch):
    """Twice as slow: beyond the noise of any machine that can run the tests."""
    monkeypatch.setattr("bench.perf.rounds.ROUND_SECONDS", 0.01)
    side = Side("slowed", replace(CASE, batch=256, slowdown=1.0))
    found = versus(side, Side("toy", replace(CASE, batch=256)))
    assert found.comparison.difference.estimate > 0.2
    assert json.loads(found.as_json())["baseline"] == "toy"


def test_a_revision_that_does_not_exist_is_said(tmp_path):
    with (
        pytest.raises(UserError, match="--against nosuch: neither a member nor a revision"),
        checkout("nosuch", tmp_path),
    ):
        pass


def test_a_revision_is_timed_from_its_own_folder(tmp_path):
    one, other = sides("toys:toy", "v1", ASKED, tmp_path)
    assert (one.case, other.root) == (other.case, tmp_path)


def test_a_conditional_member_is_compared_at_the_candidates_spec():
    one, other = sides("toys:toy", "toys:toy", member.PerfOptions(1, 8, 3, "cpu", 1, ("eager",), (1,), 4))
    assert one.case == other.case
    assert one.case.classes == 3


def test_load_by_others_is_a_warning():
    busy = load_between(Moment(0.0, 100.0), Moment(10.0, 118.0), own_cpu_seconds=8.0)
    assert busy.other_cores == pytest.approx(1.0)
    assert "others used 1.0 cores" in member.under_load(busy)[0]
    assert member.under_load(Load(0.05, 0.1, None)) == []
    assert member.under_load(Load(None, 0.1, None)) == []


def test_busy_time_counts_work_and_what_a_hypervisor_takes_but_no_waiting(monkeypatch):
    from types import SimpleNamespace

    import psutil

    linux = SimpleNamespace(user=1.0, nice=0.5, system=1.0, idle=9.0, iowait=5.0, irq=0.25, softirq=0.25, steal=1.0)
    monkeypatch.setattr(psutil, "cpu_times", lambda: linux)
    assert moment().busy == 4.0
    monkeypatch.setattr(
        psutil, "cpu_times", lambda: SimpleNamespace(user=1.0, system=1.0, idle=9.0, interrupt=0.5, dpc=0.5)
    )
    assert moment().busy == 3.0


def test_a_system_that_does_not_tell_its_clock_has_none(monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    assert megahertz() is None

    def refuse():
        raise NotImplementedError

    monkeypatch.setattr(psutil, "cpu_freq", refuse)
    assert megahertz() is None


@pytest.mark.parametrize("revision", ["--output=FILE", "-x", "--", ""])
def test_a_revision_is_never_an_option_of_git(revision, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="neither a member nor a revision"), checkout(revision):
        pass
    assert list(tmp_path.iterdir()) == []


def test_energy_is_not_available_off_cuda_and_read_through_nvml_on_it(monkeypatch):
    import sys
    from types import SimpleNamespace

    assert str(energy_counter(SimpleNamespace(type="cpu"))).startswith("not available")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy_counter(SimpleNamespace(type="cuda", index=0)) == "not available: install nvidia-ml-py"
    millijoules = iter([0, 1_000, 4_500])
    fake = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(millijoules),
        NVMLError=RuntimeError,
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    read = energy_counter(SimpleNamespace(type="cuda", index=None))
    assert not isinstance(read, str)
    assert read() - read() == -3.5


def test_modes_and_batches_are_read_from_text():
    assert modes("eager, compile+bf16,eager") == ("eager", "compile+bf16")
    assert batches("64,1,8,8") == (1, 8, 64)
    for wrong in ("turbo", "", "eager+bf16"):
        with pytest.raises(UserError):
            modes(wrong)
    for wrong in ("0", "1,x", ""):
        with pytest.raises(UserError, match="expected whole numbers"):
            batches(wrong)


def test_the_size_that_a_member_accepts_is_found():
    from bench.perf.subjects import fitting_spec

    assert fitting_spec(members.called("zoo.dcgan:dcgan"), 3, 32, 0) == ImageSpec(3, 32)
    assert fitting_spec(members.called("zoo.acgan:acgan"), 3, 32, 0) == ImageSpec(3, 32, classes=10)
