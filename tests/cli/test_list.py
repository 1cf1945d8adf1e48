"""`bench list` and `bench show`."""

import json
import re

import pytest

from bench import members
from bench.cli.output import table


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["members", "suites", "datasets", "metrics", "extractors"])
def test_lists_are_for_people_and_for_programs(bench, kind):
    rows = json.loads(bench("list", kind, "--json")[1])
    assert rows
    assert all("name" in row for row in rows)
    name = rows[0]["name"]
    code, out, _ = bench("show", name, "--kind", kind, "--json")
    assert code == 0
    assert json.loads(out)["name"] == name
    assert bench("list", kind)[0] == 0


@pytest.mark.slow
def test_the_list_of_members_has_what_a_table_needs(bench):
    rows = {row["name"]: row for row in json.loads(bench("list", "members", "--json")[1])}
    sngan = rows["sngan"]
    assert sngan["trainable_parameters_at_32px"] == {
        "generator": 4_276_739,
        "critic": 1_053_825,
    }  # kwotsin/mimicry's counts
    assert (sngan["family"], sngan["year"], sngan["objective"], sngan["conditioning"]) == (
        "ResNet",
        2018,
        "hinge",
        "none",
    )
    assert sngan["regularisers"] == ["spectral norm"]
    assert sngan["fid"][0]["source"]
    assert set(rows["cyclegan"]["trainable_parameters_at_32px"]) == {"generator", "critic", "source_critic"}


def test_a_name_that_is_two_things_shows_both(bench):
    code, out, _ = bench("show", "digits")
    assert code == 0
    assert [line for line in out.splitlines() if line in ("suite digits", "data set digits")] == [
        "suite digits",
        "data set digits",
    ]
    assert "digits is a suite and a data set. Add --kind suites or --kind datasets." in bench.refuses(
        "show", "digits", "--json"
    )
    assert json.loads(bench("show", "digits", "--json", "--kind", "datasets")[1])["classes"] == 10
    assert bench("show", "digits", "--kind", "suites")[1].startswith("suite digits\n")


@pytest.mark.parametrize("name", ["dcgan", "digits", "fid@digits-cnn", "inception-v3", "demo"])
def test_show_prints_tables_and_no_python(bench, name):
    code, out, _ = bench("show", name)
    assert code == 0
    assert not re.search(r"[\[{]'|None|True|False", out)
    assert "| fact | value |" in out


def test_a_broken_plug_in_hides_no_other(bench, monkeypatch, tmp_path):
    sickly = tmp_path / "sickly"
    sickly.mkdir()
    (sickly / "__init__.py").write_text("raise SystemExit('I am broken')\n")
    (sickly / "gan.py").write_text("def gan(spec:\n")
    monkeypatch.syspath_prepend(tmp_path)
    sick = {name: members.Listing(name, f"{name}.gan:gan", f"{name} 1.0") for name in ("sickly", "gone")}
    listings = members.listings() | sick
    monkeypatch.setattr(members, "listings", lambda: listings)
    rows = {row["name"]: row for row in json.loads(bench("list", "members", "--json")[1])}
    assert rows["sickly"]["broken"].startswith("broken: ")
    assert "gan.py" in rows["sickly"]["broken"]
    assert rows["gone"]["broken"] == "broken: there is no module 'gone.gan'"
    assert rows["dcgan"]["broken"] is None
    assert "| gone | — | — | broken: there is no module 'gone.gan' |" in bench("list", "members")[1]
    for name in ("sickly", "gone", "dcgan"):
        assert bench("show", name)[0] == 0


def test_on_a_terminal_ids_stay_whole_and_a_row_is_a_line(monkeypatch, capsys):
    rows = [{"name": "a-name-that-is-long", "title": "many words " * 20, "n": 5} for _ in range(3)]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns in (40, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        table(rows, as_json=False, wrap=False)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        assert all(line.startswith("a-name-that-is-long ") and line.rstrip().endswith(" 5") for line in lines[1:])
        assert max(map(len, lines[1:])) <= columns
    monkeypatch.setenv("COLUMNS", "10")
    table(rows, as_json=False)
    assert capsys.readouterr().out.count("a-name-that-is-long") == 3
