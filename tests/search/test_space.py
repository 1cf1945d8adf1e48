"""Search spaces: what is read, and what is refused in one line."""

import pytest

from bench import members
from bench.errors import UserError
from bench.search.space import load, read

DCGAN = members.find("dcgan")


def space(**tables):
    return read(tables, DCGAN, "space.toml")


def test_a_space_says_what_it_varies():
    found = space(
        lr={"low": 1e-5, "high": 1e-2, "log": True},
        width={"choices": [16, 32]},
        beta1={"low": 0.0, "high": 0.9, "step": 0.1},
        critic_steps={"low": 1, "high": 3},
    )
    assert found.words() == {
        "lr": "1e-05 to 0.01, log",
        "width": "16 | 32",
        "beta1": "0 to 0.9, step 0.1",
        "critic_steps": "1 to 3",
    }
    assert found.size is None
    given = found.written({"lr": 0.000123456, "width": 32, "beta1": 0.30000000000000004, "critic_steps": 2})
    assert given == {"beta1": "0.3", "critic_steps": "2", "lr": "0.0001235", "width": "32"}


def test_values_keep_the_digits_that_a_narrow_range_needs_and_never_leave_it():
    narrow = space(beta2={"low": 0.999, "high": 0.9999})
    assert narrow.written({"beta2": 0.99950123})["beta2"] == "0.9995012"
    edges = space(lr={"low": 0.00012345, "high": 0.00098765, "log": True})
    assert float(edges.written({"lr": 0.00012345})["lr"]) >= 0.00012345
    assert float(edges.written({"lr": 0.00098765})["lr"]) <= 0.00098765


@pytest.mark.parametrize(
    ("tables", "size"),
    [
        ({"width": {"choices": [16, 32, 64]}, "critic_steps": {"low": 1, "high": 2}}, 6),
        ({"beta1": {"low": 0.0, "high": 0.9, "step": 0.3}}, 4),
        ({"lr": {"low": 0.1, "high": 0.2}}, None),
    ],
)
def test_finite_spaces_are_counted(tables, size):
    assert space(**tables).size == size


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"low": 1.0, "high": 0.5}, "low = 1.0 is not below high = 0.5"),
        ({"low": 0.5, "high": 0.5}, "not below"),
        ({"low": 0.0, "high": 0.5, "log": True}, "needs low above 0"),
        ({"low": -1.0, "high": 0.5, "log": True}, "needs low above 0"),
        ({"low": 0.1, "high": 0.5, "log": True, "step": 0.1}, "no step"),
        ({"low": 0.1, "high": 0.5, "step": 0.3}, "whole number of steps"),
        ({"low": 0.1, "high": 0.5, "step": -0.1}, "whole number of steps"),
        ({"low": 0.1, "high": 0.5, "step": 0.0}, "whole number of steps"),
        ({"low": float("nan"), "high": 0.5}, "finite"),
        ({"low": 0.1, "high": float("inf")}, "finite"),
        ({"low": "a", "high": 0.5}, "low"),
        ({"low": 0.1}, "high: Field required"),
        ({"low": 0.1, "hihg": 0.5}, "Did you mean 'high'"),
        ({"low": 0.1, "high": 0.5, "lgo": True}, "'low' or 'log'"),
        ({"choices": [1]}, "choices"),
        ({"choices": []}, "choices"),
        ({"choices": [0.1, 0.1]}, "twice"),
        ({"choices": [0.1, "much"]}, "much: float was expected"),
        ({"choices": [0.1, "a b"]}, "not a value"),
        ({"choices": [[0.1], [0.2]]}, "choices"),
        ({"choices": [0.1, 0.2], "low": 0.1, "high": 0.2}, "either low and high, or choices"),
        ({}, "either low and high, or choices"),
        (0.1, "either low and high, or choices"),
        ([0.1, 0.2], "either low and high, or choices"),
        ({"low": 1, "high": 10**400}, "lr"),
    ],
)
def test_impossible_ranges_are_refused(table, said):
    with pytest.raises(UserError, match=said) as refused:
        space(lr=table)
    assert "\n" not in str(refused.value)
    assert "space.toml" in str(refused.value)


def test_whole_numbers_have_whole_ranges():
    with pytest.raises(UserError, match="int was expected"):
        space(width={"low": 8.5, "high": 64})


def test_unknown_parameters_and_those_that_are_set_are_refused():
    with pytest.raises(UserError, match="Did you mean 'lr'"):
        space(lrr={"low": 0.1, "high": 0.2})
    with pytest.raises(UserError, match="Set it, or search it"):
        read({"lr": {"low": 0.1, "high": 0.2}}, members.find("dcgan(lr=0.1)"), "space.toml")
    with pytest.raises(UserError, match="names no parameter"):
        space()


def test_words_and_truths_have_choices(toys):
    def switched(spec, *, kind: str = "a", on: bool = True):
        raise NotImplementedError

    toys.switched = switched
    listing = members.find("toys:switched")
    found = read({"on": {"choices": [True, False]}, "kind": {"choices": ["a", "b"]}}, listing, "-")
    assert found.written({"on": False, "kind": "b"}) == {"kind": "b", "on": "false"}
    with pytest.raises(UserError, match="no number"):
        read({"on": {"low": 0, "high": 1}}, listing, "-")


@pytest.mark.parametrize("content", [b"lr = [", b"\xff\xfe"])
def test_files_that_are_no_toml_are_refused(tmp_path, content):
    (tmp_path / "space.toml").write_bytes(content)
    with pytest.raises(UserError, match="not valid TOML"):
        load(tmp_path / "space.toml", DCGAN)


def test_missing_files_are_refused(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            load(path, DCGAN)
