"""`bench check`: on which images, and what it prints."""

import json

import pytest

from bench.cli import main
from bench.cli.check import _of_suite
from bench.gan import ImageSpec


def checked(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["check", *arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_size_and_channels_choose_the_images(capsys, toys):
    code, out, _ = checked("toys:toy", "--resolution", "8", "--channels", "3", "--json", capsys=capsys)
    rows = json.loads(out)
    assert [row["check"] for row in rows if "px" in row["check"]] == ["8 px, 3 channels"]
    assert code == 0
    assert {row["status"] for row in rows} <= {"ok", "warn", "skip"}


@pytest.mark.parametrize(
    ("suite", "spec"),
    [
        ("digits", ImageSpec(1, 16, 10, 1)),
        ("cifar10", ImageSpec(3, 32, 10, 3)),
        ("celeba64", ImageSpec(3, 64, 0, 3)),
    ],
)
def test_a_suite_says_what_its_images_are_like_without_reading_them(suite, spec):
    found, members = _of_suite(suite, None)
    assert (found.channels, found.resolution, found.classes) == (spec.channels, spec.resolution, spec.classes)
    assert members


def test_a_suite_and_a_size_exclude_each_other(capsys):
    code, _, err = checked("dcgan", "--suite", "digits", "--resolution", "8", capsys=capsys)
    assert code == 2
    assert "Leave out --resolution and --channels" in err


def test_one_broken_member_does_not_keep_the_others_from_being_checked(capsys, toys):
    arguments = ("toys:nothing", "toys:toy", "--resolution", "8", "--channels", "1", "--json")
    code, out, _ = checked(*arguments, capsys=capsys)
    rows = json.loads(out)
    assert code == 1
    assert [(row["check"], row["status"]) for row in rows if row["member"] == "toys:nothing"] == [("import", "fail")]
    assert all(row["ok"] for row in rows if row["member"] == "toys:toy")
    assert checked("toys:nothing", capsys=capsys)[0] == 2
