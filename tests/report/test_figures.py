"""What the figures show, on cases worked by hand."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench.boards import board
from bench.boards.metric_names import metric_name
from bench.boards.scales import scale_of
from bench.records import record
from bench.records.record import Point, Record
from bench.report import suite_page
from bench.report.figures import (
    curves,
    diagnostics,
    distances,
    dots,
    fidelity,
    heat,
    marks,
    sample_size,
    suite,
    tradeoffs,
)
from bench.report.figures.drawing import compact, end_labels, log_ticks, metric_axis, panel, point_labels, spread
from bench.report.frames import curve_frame, over_seeds
from bench.report.theme import SERIES, house_style, looks

pytestmark = pytest.mark.slow

Make = Callable[..., Record]


@pytest.fixture(scope="module")
def drawn(results: Path) -> suite.Figures:
    records = record.read_all(results)
    found = board.build(records)
    with house_style():
        return suite.draw(found, records, suite_page.member_looks(found), results)


def test_every_figure_has_a_name_of_its_own_and_a_table_behind_it(drawn: suite.Figures) -> None:
    every = drawn.every()
    assert len({drawing.name for drawing in every}) == len(every) >= 20
    for drawing in every:
        assert drawing.table.rows, drawing.name
        assert {len(row) for row in drawing.table.rows} == {len(drawing.table.header)}, drawing.name
        assert drawing.title
        assert drawing.caption


def test_a_curve_is_the_mean_and_the_range_over_seeds(results: Path) -> None:
    records = [item for item in record.read_all(results) if item.member.name == "dcgan"]
    key = "fid@digits-cnn:held-out"
    raw = np.array([[point.scores[key] for point in item.curve] for item in records])
    line = over_seeds(curve_frame(records), key)["dcgan"]
    np.testing.assert_allclose(line.mean, raw.mean(0))
    np.testing.assert_array_equal(line.low, raw.min(0))
    np.testing.assert_array_equal(line.high, raw.max(0))
    assert list(line.seeds) == [3] * raw.shape[1]
    assert curves.curve(curve_frame(records), looks(["dcgan"]), "nothing", "images") is None


def test_the_pareto_front() -> None:
    points = [(1.0, 10.0), (2.0, 5.0), (3.0, 5.0), (4.0, 1.0), (4.0, 2.0)]
    assert tradeoffs.front(points, "lower", "lower") == {0, 1, 3}
    assert tradeoffs.front(points, "higher", "lower") == {3}
    assert tradeoffs.front([(1.0, 1.0), (1.0, 1.0)], "lower", "lower") == {0, 1}


def test_costs_are_means_of_the_runs_that_finished(make_record: Make) -> None:
    records = [
        make_record("a", seed, {"fid@digits-cnn": 10.0 + seed}, train_seconds=10.0 * (seed + 1)) for seed in (0, 1)
    ] + [make_record("b", seed, {"fid@digits-cnn": 20.0 + seed}, train_seconds=100.0) for seed in (0, 1)]
    found = board.build(records)
    with house_style():
        drawing = tradeoffs.against(found, records, suite_page.member_looks(found), tradeoffs.COSTS[0])
    assert drawing
    assert drawing.table.rows == (("a", "15 s", "10.50", "yes"), ("b", "100 s", "20.50", "no"))


def test_labels_keep_apart_and_move_least() -> None:
    assert spread([0.5, 0.1], 0.1, 0.0, 1.0) == [0.5, 0.1]
    assert spread([0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.45, 0.55])
    assert spread([0.99, 1.0], 0.1, 0.0, 1.0) == pytest.approx([0.9, 1.0])
    assert spread([0.0, 0.0, 0.0], 0.1, 0.0, 1.0) == pytest.approx([0.0, 0.1, 0.2])
    assert spread([], 0.1, 0.0, 1.0) == []


@pytest.mark.parametrize("metric", ["kid@digits-cnn", "fid@digits-cnn"])  # a linear axis, a logarithmic one
def test_a_name_stands_beside_its_point(metric: str) -> None:
    points = {"a": (2.0, 0.343), "b": (5.0, 0.187)}
    known = looks(list(points))
    with house_style():
        figure, axes = panel()
        metric_axis(axes, "y", metric, [y for _, y in points.values()])
        for x, y in points.values():
            axes.plot([x], [y], "o")
        point_labels(axes, list(points.values()), [(place, known[name]) for place, name in enumerate(points)])
        end_labels(axes, points, known)
        figure.draw_without_rendering()
    for text in axes.texts:
        beside = axes.transAxes.transform(text.get_position())
        there = axes.transData.transform(points[text.get_text()])
        assert abs(beside[1] - there[1]) < 16, text.get_text()
    assert len(axes.texts) == 4


def test_ticks_are_round_and_few() -> None:
    assert log_ticks(0.9, 1100) == [1, 10, 100, 1000]
    assert log_ticks(5.5, 24) == [7, 10, 15, 20]
    assert 3 <= len(log_ticks(10.0, 10.4)) <= 7
    assert len(log_ticks(1e-8, 1e8)) <= 7


def test_compact_numbers() -> None:
    assert [compact(value) for value in (0, 0.25, 999, 25_000, 1_500_000, 2e9)] == [
        "0",
        "0.25",
        "999",
        "25k",
        "1.5M",
        "2G",
    ]


def test_metric_names() -> None:
    assert metric_name("fid@digits-cnn:held-out").title == "FID (digits-cnn, held-out)"
    assert metric_name("my-own").title == "my own"


def test_the_heat_map_says_how_each_run_ended(results: Path) -> None:
    records = record.read_all(results)
    with house_style():
        drawing = heat.by_seed(board.build(records), records)
    assert drawing
    ended = {row[0]: row[1:] for row in drawing.table.rows}
    assert ended["gan"][1] == "diverged"
    assert ended["wgan-gp"][2] == "failed"
    assert "real-train" not in ended
    assert all(float(value) > 0 for value in ended["dcgan"])


def test_goodness_follows_the_metrics_scale_and_direction() -> None:
    from bench.boards.rows import Column

    lower = Column("fid@x", 1, "lower", scale_of("fid@x"))
    assert heat.goodness([1.0, 10.0, 100.0], lower) == pytest.approx({1.0: 1.0, 10.0: 0.5, 100.0: 0.0})
    assert heat.goodness([3.0], lower) == {3.0: 1.0}
    assert heat.goodness([], lower) == {}


def test_fidelity_pairs_need_one_network_and_split(make_record: Make) -> None:
    scores = {"fid@n": 5.0, "precision@n": 0.5, "recall@n": 0.4, "density@n:held-out": 0.9, "coverage@n": 0.8}
    found = board.build([make_record("a", seed, scores, ranking="fid@n") for seed in (0, 1)])
    assert fidelity.pairs(found) == [("recall@n", "precision@n")]


def test_the_limit_of_fid_is_drawn_where_it_was_measured(make_record: Make, tmp_path: Path) -> None:
    scores = {"fid@n": 12.0, "fid-infinity@n": 10.0}
    records = [make_record("a", seed, scores, ranking="fid@n") for seed in (0, 1)]
    found = board.build(records)
    with house_style():
        (drawing,) = sample_size.drawings(found, records, suite_page.member_looks(found), tmp_path)
    assert drawing.table.rows == (("a", "1,000", "12.00", "10.00", "2.000"),)


def _with_table(folder: Path, made: Record, kind: str, content: str) -> Record:
    """The record with a table beside it."""
    path = folder / made.file_name
    name = f"{path.stem}-{kind}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / name).write_text(content)
    artifact = record.Artifact(kind=kind, path=name, sha256=hashlib.sha256(content.encode()).hexdigest())
    return made.model_copy(update={"artifacts": (*made.artifacts, artifact)})


def test_fid_by_sample_size_is_the_mean_over_runs_with_the_line_through_it(make_record: Make, tmp_path: Path) -> None:
    """FID_N = 10 + 200 / N and 14 + 200 / N, so the mean has the limit 12."""
    records = [
        _with_table(
            tmp_path, make_record("a", seed), "fid-by-samples",
            "metric,samples,fid,error\n"
            + "".join(f"fid@digits-cnn,{n},{10 + 4 * seed + 200 / n},\n" for n in (100, 400, 1000))
            + f"fid@digits-cnn,inf,{10 + 4 * seed},0\nfid@other,5,1,\nfid@digits-cnn,0,nonsense,\n",
        )
        for seed in (0, 1)
    ]  # fmt: skip
    found = board.build(records)
    with house_style():
        (drawing,) = sample_size.drawings(found, records, suite_page.member_looks(found), tmp_path)
    assert drawing.name == "sample-size-fid@digits-cnn"
    assert drawing.table.rows == (("a", "1,000", "12.20", "12.00", "0.2000"),)
    line = drawing.figure.axes[0].lines[0]
    across, up = (np.asarray(values, dtype=float) for values in line.get_data())
    assert np.interp([0, 1, 4, 10], across, up) == pytest.approx([12, 12.2, 12.8, 14])


def test_too_few_sizes_make_no_line(make_record: Make, tmp_path: Path) -> None:
    made = _with_table(tmp_path, make_record("a"), "fid-by-samples", "metric,samples,fid\nfid@digits-cnn,10,5\n")
    found = board.build([made])
    with house_style():
        assert sample_size.drawings(found, [made], suite_page.member_looks(found), tmp_path) == []


def test_throughput_is_that_of_the_scored_samples(make_record: Make) -> None:
    """Two checkpoints, two sample seeds, 1,000 images each, in 8 seconds."""
    made = make_record("a", 0, {"fid@digits-cnn": (10.0, 11.0), "precision@digits-cnn": (0.5, 0.5)})
    cost = next(cost for cost in tradeoffs.COSTS if cost.name == "throughput")
    assert cost.of(made) is None, "an older record does not say"
    assert cost.of(made.model_copy(update={"seconds": {"train": 1.0, "generate": 8.0}})) == 500.0


def test_seeds_that_no_row_has_make_no_figure(make_record: Make) -> None:
    found = board.build([make_record("a", seed) for seed in (0, 1)])
    with house_style():
        assert dots.seeds(found, suite_page.member_looks(found), "kid@nothing") is None


def _with_curve(made: Record, **series: list[float]) -> Record:
    """A record whose curve has these terms (a slash as two underscores) or scores (a metric id)."""
    length = len(next(iter(series.values())))
    points = [
        Point(
            images=1000 * (step + 1), step=step, train_seconds=float(step),
            terms={key.replace("__", "/"): values[step] for key, values in series.items() if "__" in key},
            scores={f"{key}@digits-cnn:held-out": values[step] for key, values in series.items() if "__" not in key},
        )
        for step in range(length)
    ]  # fmt: skip
    return made.model_copy(update={"curve": tuple(points)})


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ({"recall": [0.2, 0.8, 0.8, 0.7]}, ""),
        ({"recall": [0.2, 0.8, 0.8, 0.3]}, "collapsed: recall"),
        ({"fid": [9.0, 5.0, 5.0, 7.4]}, ""),
        ({"fid": [9.0, 5.0, 5.0, 7.6]}, "fell back"),
        ({"critic__accuracy_real": [0.9, 0.9, 0.9, 1.0], "critic__accuracy_fake": [0.9, 0.9, 0.9, 1.0]}, "saturated"),
        ({"critic__accuracy_real": [0.9, 0.9, 0.9, 1.0], "critic__accuracy_fake": [0.9, 0.9, 0.9, 0.9]}, ""),
        ({"generator__gradient_norm": [1.0, 1.0, 1.0, 1e-4]}, "generator: vanishing"),
        ({"generator__gradient_norm": [1.0, 1.0, 1.0, 1e4]}, "generator: exploding"),
        ({"generator__gradient_norm": [1.0, 1.0, 1.0, 1.0]}, ""),
        ({"recall": [0.8, 0.8, 0.1]}, ""),  # three points say nothing
    ],
)
def test_flags_of_a_training(make_record: Make, series: dict[str, list[float]], expected: str) -> None:
    found = [flag.words for flag in diagnostics.flags(_with_curve(make_record(), **series))]
    assert found == [] if not expected else len(found) == 1 and expected in found[0]


def test_a_diverged_run_is_flagged(make_record: Make) -> None:
    assert [flag.words for flag in diagnostics.flags(make_record(status="diverged"))] == ["diverged at step 10"]


def test_nearest_distances_stand_beside_those_of_held_out_images(make_record: Make, tmp_path: Path) -> None:
    tables = {
        "a": "space,images,distance\npixels,samples,2\npixels,samples,1\npixels,samples,3\npixels,held-out,4\nnet,samples,7\n",
        "b": "space,images,distance\npixels,samples,9\npixels,samples,inf\npixels,somebody,1\npixels,samples,x\n",
        "c": "nothing,of,this\n1,2,3\n",
    }
    records = [
        _with_table(tmp_path, make_record(name), "nearest-distances", content) for name, content in tables.items()
    ]
    found = distances.read(tmp_path, records)
    assert found["pixels"] == {"a": {"samples": [1.0, 2.0, 3.0], "held-out": [4.0]}, "b": {"samples": [9.0]}}
    with house_style():
        drawing = distances.nearest("pixels", found["pixels"], looks(["b", "a", "c"]))
        assert distances.nearest("pixels", {"a": {"held-out": [1.0]}}, looks(["a"])) is None
    assert drawing
    assert [row[:2] for row in drawing.table.rows] == [("held-out", "4.000"), ("b", "9.000"), ("a", "1.000")]
    assert set(found) == {"pixels", "net"}


def test_many_members_are_context_but_not_lost(synthetic: ModuleType, tmp_path: Path) -> None:
    members = [f"m{index:02d}" for index in range(20)]
    found = looks(members)
    assert [look.named for look in found.values()] == [True] * len(SERIES) + [False] * 12
    synthetic.write_results(tmp_path, members, seeds=(0, 1))
    records = record.read_all(tmp_path)
    with house_style():
        drawing = curves.curve(curve_frame(records), found, "fid@digits-cnn:held-out", "images")
    assert drawing
    assert {row[0] for row in drawing.table.rows} == set(members)


def test_the_front_is_steps() -> None:
    """For 2 s one gets only what 1 s gave, until the next member; beyond the last nothing changes."""
    front = [(1.0, 10.0), (4.0, 1.0), (2.0, 5.0)]
    assert tradeoffs.staircase(front, "lower", (0.5, 8.0)) == [
        (1.0, 10.0), (2.0, 10.0), (2.0, 5.0), (4.0, 5.0), (4.0, 1.0), (8.0, 1.0)
    ]  # fmt: skip
    assert tradeoffs.staircase([(4.0, 9.0), (2.0, 5.0)], "higher", (0.5, 8.0)) == [
        (4.0, 9.0), (2.0, 9.0), (2.0, 5.0), (0.5, 5.0)
    ]  # fmt: skip


def test_an_interval_beyond_the_axis_has_an_arrow_and_its_number() -> None:
    with house_style():
        _, axes = panel()
        axes.set_xlim(0.0, 10.0)
        marks.interval(axes, 0, (-3.0, 4.0), SERIES[0])
        marks.interval(axes, 1, (2.0, 12.5), SERIES[0])
        marks.interval(axes, 2, (2.0, 4.0), SERIES[0])
    drawn = [(line.get_marker(), np.asarray(line.get_xdata(), dtype=float).tolist()) for line in axes.lines]
    assert [across for _, across in drawn if len(across) == 2] == [[0, 4], [2, 10], [2, 4]]
    assert [one for one in drawn if len(one[1]) == 1] == [("<", [0.0]), (">", [10.0])]
    assert [text.get_text() for text in axes.texts] == ["-3.00", "12.5"]


def test_references_that_would_squeeze_the_members_stand_at_the_edge() -> None:
    assert marks.near([10.0, 20.0], [5.0, 1.0, 39.0, 41.0, 0.0], log=True) == [5.0, 39.0]
    assert marks.near([10.0, 20.0], [0.0, -1.0, 30.0, 31.0], log=False) == [0.0, 30.0]
    assert marks.near([], [3.0], log=True) == [3.0]
    with house_style():
        _, axes = panel(top=30)
        axes.set_xlim(10.0, 20.0)
        marks.references(axes, [("real", 2.0), ("gaussian", 15.0), ("copies", 15.1)])
    assert [text.get_text() for text in axes.texts] == ["← real 2.00", "gaussian", "copies"]
    at = [text.get_position()[0] for text in axes.texts]
    assert at[2] - at[1] > 0.1, "names keep apart"


def test_names_keep_apart_in_a_crowd() -> None:
    """Twelve points in one place: no name covers another, and lines lead to those that had to go."""
    names = [f"member-{index}" for index in range(12)]
    points = [(5.0 + 0.01 * index, 5.0) for index in range(12)]
    known = looks(names)
    with house_style():
        figure, axes = panel()
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 10)
        point_labels(axes, points, [(place, known[name]) for place, name in enumerate(names)])
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    ups = [box.y0 + box.height / 2 for box in boxes]
    for one in range(12):
        for other in range(one):
            apart = (
                abs(ups[one] - ups[other]) >= 12 or boxes[one].x1 <= boxes[other].x0 or boxes[other].x1 <= boxes[one].x0
            )
            assert apart, (names[one], names[other])
    assert len(axes.lines) > 0


def test_one_number_makes_no_figure(make_record: Make) -> None:
    found = board.build([make_record("a", 0)])
    with house_style():
        assert dots.seeds(found, suite_page.member_looks(found), found.ranking) is None


def test_every_name_of_five_losses_stands_above_its_panel() -> None:
    keys = [f"{player}/{term}" for player in ("generator_a", "generator_b") for term in ("cycle", "identity")] + [
        "critic/loss"
    ]
    rows = diagnostics._rows(keys)
    assert [key for row in rows for key in row] == keys
    assert len(rows) == 3
    assert all(sum(map(diagnostics._width, row)) <= 1.12 for row in rows)
