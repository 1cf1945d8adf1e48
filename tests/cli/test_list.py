"""`bench list` and `bench show`."""

import json

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["members", "suites", "datasets", "metrics", "extractors"])
def test_lists_are_for_people_and_for_programs(bench, kind):
    rows = json.loads(bench("list", kind, "--json")[1])
    assert rows
    assert all("name" in row for row in rows)
    name = rows[0]["name"]
    code, out, _ = bench("show", name, "--json")
    assert code == 0
    assert json.loads(out)["name"] == name
    assert bench("list", kind)[0] == 0


@pytest.mark.slow
def test_the_list_of_members_has_what_a_table_needs(bench):
    rows = {row["name"]: row for row in json.loads(bench("list", "members", "--json")[1])}
    sngan = rows["sngan"]
    assert sngan["parameters_at_32px"] == {"generator": 4_276_739, "critic": 1_053_825}  # kwotsin/mimicry's counts
    assert (sngan["family"], sngan["year"], sngan["objective"], sngan["conditioning"]) == (
        "ResNet",
        2018,
        "hinge",
        "none",
    )
    assert sngan["regularisers"] == ["spectral norm"]
    assert sngan["fid"][0]["source"]
    assert set(rows["cyclegan"]["parameters_at_32px"]) == {"generator", "critic", "source_critic"}
