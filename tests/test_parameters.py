"""Parameters of builders: what a name may hold, what it means, and that a name without any is what it was."""

from typing import Literal

import pytest
import tomli_w

from bench import members, parameters
from bench.errors import UserError
from bench.files import digest
from bench.records.record import job_digest
from bench.suites.suite import load, parse


def builder(
    spec: object,
    *,
    width: int = 64,
    lr: float = 2e-4,
    up: Literal["nearest", "bilinear"] = "nearest",
    clip: float | None = None,
    averaged: bool = False,
) -> None:
    """A builder.

    It has more words.

    Args:
        width: Channels,
            in the widest layer.
        lr: Learning rate.
        up: How maps grow.
    """


KNOWN = parameters.declared(builder)


def canonical(name: str) -> str:
    base, given = parameters.split(name)
    values = parameters.resolve(base, KNOWN, given)
    return parameters.joined(base, {key: parameters.text(value) for key, value in values.items()})


def test_a_builder_says_what_it_takes():
    assert list(KNOWN) == ["width", "lr", "up", "clip", "averaged"]
    assert [one.type for one in KNOWN.values()] == ["int", "float", "nearest, bilinear", "none or float", "bool"]
    assert KNOWN["width"].words == "Channels, in the widest layer."
    assert KNOWN["clip"].words == ""


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("m", "m"),
        ("m()", "m"),
        ("m(width=64)", "m"),
        ("m( width = 32 , lr=1e-4 )", "m(lr=0.0001,width=32)"),
        ("m(lr=0.00010)", "m(lr=0.0001)"),
        ("m(lr=1)", "m(lr=1)"),
        ("m(lr=2e-4)", "m"),
        ("m(lr=1e-05)", "m(lr=1e-05)"),
        ("m(up='bilinear')", "m(up=bilinear)"),
        ("m(clip=none)", "m"),
        ("m(clip=0)", "m(clip=0)"),
        ("m(averaged=True)", "m(averaged=true)"),
        ("m(averaged=false)", "m"),
        ("m(width=+32)", "m(width=32)"),
    ],
)
def test_two_ways_to_write_one_thing_are_one_name(written, name):
    assert canonical(written) == name
    assert canonical(name) == name


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("m(widht=32)", "unknown parameter of m 'widht'. Did you mean 'width'?"),
        ("m(width=3.5)", "width = 3.5: int was expected"),
        ("m(width=true)", "width = true: int was expected"),
        ("m(width=none)", "width = none: int was expected"),
        ("m(averaged=1)", "averaged = 1: bool was expected"),
        ("m(lr=nan)", "lr = nan: float was expected"),
        ("m(lr=-inf)", "lr = -inf: float was expected"),
        ("m(lr=1e400)", "lr = 1e400: float was expected"),
        (f"m(width={'9' * 10_000})", "int was expected"),
        ("m(up=area)", "up = area: nearest, bilinear was expected"),
        ("m(width=1,width=2)", "width is set twice"),
        ("m(width=<b>)", "'<b>' is not a value for width"),
        ("m(width=../x)", "'../x' is not a value for width"),
        ("m(width=)", "'' is not a value for width"),
        ("m(width)", "'width' is not NAME=VALUE"),
        ("m(1=2)", "'1=2' is not NAME=VALUE"),
        ("m(width=1,)", "'' is not NAME=VALUE"),
        ("m(width=1", r"MEMBER(NAME=VALUE, ...) was expected"),
        ("m)width=1(", r"MEMBER(NAME=VALUE, ...) was expected"),
        ("m(a=f(1))", r"MEMBER(NAME=VALUE, ...) was expected"),
        ("m(width=1)x", r"MEMBER(NAME=VALUE, ...) was expected"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(written, words):
    with pytest.raises(UserError) as raised:
        canonical(written)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_name_that_no_folder_can_have_is_refused():
    given = {f"parameter_{number}": "0.123456789" for number in range(10)}
    with pytest.raises(UserError, match=r"its name has 2\d\d characters and may have 200"):
        parameters.joined("m", given)


def test_a_parameter_needs_a_default_and_a_type_that_a_name_can_hold():
    def without(spec: object, *, width: int) -> None: ...
    def of_lists(spec: object, *, widths: list[int] | None = None) -> None: ...

    for wrong in (without, of_lists):
        with pytest.raises(UserError, match="needs a default, and a type of int"):
            parameters.declared(wrong)


def test_a_member_without_parameters_takes_none(toys):
    with pytest.raises(UserError, match="member toy: has no parameters, so width cannot be set"):
        members.find("toys:toy(width=3)")


@pytest.fixture
def tunable(toys, monkeypatch):
    monkeypatch.setattr(toys, "tunable", builder)
    return "toys:tunable"


def test_a_loose_member_keeps_its_parameters_wherever_it_is_named(tunable):
    found = members.find(f"wide={tunable}(width=128)")
    assert (found.name, found.base, found.given) == ("wide(width=128)", "wide", {"width": "128"})
    assert found.argument == "wide=toys:tunable(width=128)"
    assert members.find(found.argument) == found
    assert members.find(f"{tunable}(lr=1)").argument == "toys:tunable(lr=1)"
    assert members.called(found.call).given == found.given
    assert members.arguments(found)["width"] == 128
    assert members.arguments(found)["lr"] == 2e-4


def test_a_suite_scales_the_width_in_steps_of_eight(tunable, toys, monkeypatch):
    assert members.find(tunable, width=0.25).name == "tunable(width=16)"
    assert members.find(tunable, width=0.01).name == "tunable(width=8)"
    assert members.find(tunable, width=1.0).name == "tunable"
    assert members.find(f"{tunable}(width=48)", width=0.25).name == "tunable(width=48)"
    assert members.find(f"{tunable}(width=64)", width=0.25).name == "tunable"  # its own, when it is asked for
    assert members.find("toys:toy", width=0.25).name == "toy"


SUITE = load("demo").model_dump(mode="json", exclude={"members"}, exclude_none=True)


def suite_of(members_text: str) -> tuple[str, ...]:
    plain, tables = ({k: v for k, v in SUITE.items() if isinstance(v, dict) == nested} for nested in (False, True))
    return parse("\n".join([tomli_w.dumps(plain), members_text, tomli_w.dumps(tables)]), "-").members


def test_a_table_with_lists_is_a_grid():
    text = '[[members]]\nname = "a"\n[[members]]\nname = "b"\nwidth = [16, 32]\nlr = [1e-4, 4e-4]\nup = "nearest"\naveraged = true\n'
    assert suite_of(text) == (
        "a",
        "b(averaged=true,lr=0.0001,up=nearest,width=16)",
        "b(averaged=true,lr=0.0004,up=nearest,width=16)",
        "b(averaged=true,lr=0.0001,up=nearest,width=32)",
        "b(averaged=true,lr=0.0004,up=nearest,width=32)",
    )
    assert suite_of('members = ["a", { name = "b", width = 8 }, "c( width = 8 )"]') == ("a", "b(width=8)", "c(width=8)")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[members]]\nwidth = 3\n", "a table of members needs a name"),
        ('[[members]]\nname = "a"\nwidth = ["<b>"]\n', "'<b>' is not a value for width"),
        ('[[members]]\nname = "a"\nwidth = { x = 1 }\n', "is not a value for width"),
        ('[[members]]\nname = "a(width=1)"\nwidth = 3\n', "width is set twice"),
        ('members = ["a", "a()"]', "a: named twice"),
        (f'[[members]]\nname = "a"\nwidth = {list(range(10_000))}\n', "more than 1,000 members"),
        (f'[[members]]\nname = "a"\nwidth = {list(range(100))}\nlr = {list(range(100))}\n', "more than 1,000 members"),
        ('[[members]]\nname = "a"\nwidth = []\n', "at least 1 item"),
        ("members = [3]", "valid string"),
    ],
)
def test_a_table_that_makes_no_rows_is_refused(text, words):
    with pytest.raises(UserError) as raised:
        suite_of(text)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 400


def test_names_and_digests_without_parameters_stay_as_they_were():
    assert job_digest("dcgan", "s" * 64, "p" * 64, 3) == digest(["dcgan", "s" * 64, "p" * 64, 3])[:10] == "34686ac5c9"
    assert "width" not in load("digits").protocol({})["training"]
