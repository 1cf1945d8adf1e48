"""The tracker of docs/trackers.md works as printed."""

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path

from bench.trackers import names
from bench.trackers.tracker import TrackedRun

PAGE = (Path(__file__).parents[2] / "docs/trackers.md").read_text(encoding="utf-8")


def test_a_tracker_of_ones_own_is_found_by_its_entry_point(tmp_path, monkeypatch, make_record):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (name, value) = re.findall(r'^(\w+) = "(notes:Notes)"$', PAGE, re.MULTILINE)[0]
    (tmp_path / "notes.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(names, "entry_points", lambda group: [EntryPoint(name, value, group)])
    tracker = names.opened(["notes"], tmp_path / "tracking")["notes"]
    tracker.start(TrackedRun("digits-0-a", "digits", "dcgan", 0))
    tracker.log(100, {"score/fid": 3.5})
    tracker.finish(make_record())
    lines = (tmp_path / "tracking/notes/notes.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"run": "digits-0-a", "images": 100, "score/fid": 3.5}]


def test_every_tracker_that_comes_with_the_bench_is_in_the_table():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(names.registered())
