"""Why two numbers differ."""

import json

import pytest
from pydantic import BaseModel

from bench.boards import board, explain, render
from bench.boards import published as references
from bench.boards.explain import ExplainTarget
from bench.boards.verdicts import lookup
from bench.errors import UserError
from bench.records import record
from bench.suites import suite as suites
from bench.suites.suite import Suite

FID = "fid@digits-cnn"


def changed(make_record, section, **values):
    rules = make_record().protocol
    return make_record(protocol={**rules, section: {**rules[section], **values}})


@pytest.mark.parametrize(
    ("section", "values", "verdict", "says"),
    [
        ("training", {"images": 1}, "no", "longer training"),
        ("training", {"precision": "bf16"}, "no", "mixed precision"),
        ("evaluation", {"samples": 1_000, "sample_seeds": [0, 1]}, "yes", "more draws"),
        ("evaluation", {"every": 4_000}, "only the last checkpoint", "best checkpoint"),
        ("data", {"resolution": 32}, "no", "nothing in common"),
        ("facts", {"extractors": {"digits-cnn": "e2"}}, "no", "other weights"),
        ("facts", {"data": {"digest": "d2"}}, "no", "preparation"),
        ("facts", {"weather": "fine"}, "no", "not known"),
    ],
)
def test_every_differing_field_is_named_with_its_effect(make_record, section, values, verdict, says):
    found = explain.explain(
        explain.of_record(make_record()), explain.of_record(changed(make_record, section, **values))
    )
    assert len(found.differences) == 1
    assert found.differences[0].field.startswith(f"{section}.")
    assert says in found.differences[0].effect
    assert found.comparable == verdict


def test_the_same_protocol_may_be_compared_whatever_the_member(make_record):
    a, b = make_record("dcgan", 0), make_record("sngan", 1, source="s2")
    found = explain.explain(explain.of_record(a), explain.of_record(b))
    assert found.comparable == "yes"
    assert [item.field for item in found.context] == ["member", "source", "seed"]
    assert "May be compared" in explain.render_text(found)


def test_every_field_of_a_protocol_has_a_known_effect():
    """Whatever a suite can say is in the table of effects, so that no difference is left unexplained."""
    leaves = [("track", None), ("recipes.sngan.images", None)]
    for section in ("data", "training", "evaluation"):
        model = Suite.model_fields[section].annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        leaves += [(f"{section}.{name}", None) for name in model.model_fields]
    for name, _ in [
        *leaves,
        ("facts.data.digest", None),
        ("facts.metrics.fid", None),
        ("facts.extractors.x.weights", None),
    ]:
        assert explain.differences({name: 1}, {name: 2})[0].effect != explain.UNKNOWN, name


def test_a_published_row_is_compared_in_what_both_state(make_record):
    ours = explain.of_record(make_record("sngan"))
    found = explain.explain(ours, references.find("mimicry/cifar10/sngan").subject)
    assert found.comparable == "no"
    fields = {item.field: (item.a, item.b) for item in found.differences}
    assert fields["evaluation.samples"] == (1_000, 50_000)
    assert fields["evaluation.extractor"] == ("digits-cnn", "inception-v3 (TensorFlow)")
    assert "evaluation.checkpoint" not in fields  # both report the last one
    assert fields["data.flip"] == (False, explain.NOT_STATED)


def test_a_published_row_with_our_protocol_may_be_compared(make_record):
    ours = explain.of_record(make_record())
    same = {
        "data": {"name": "digits", "resolution": 16, "flip": False, "split": "train"},
        "training": {"images": 64_000, "batch_size": 64, "precision": "fp32", "conditional": False},
        "evaluation": {"samples": 1_000, "extractor": "digits-cnn", "checkpoint": "last"},
    }
    published = ExplainTarget("published", same, "", {}, published=True)
    assert explain.explain(ours, published).comparable == "yes"
    assert explain.explain(published, ours).comparable == "yes"


def test_two_published_rows_are_compared_in_what_either_states():
    rows = [references.find(f"{source}/cifar10/wgan-gp").subject for source in ("studiogan", "mimicry")]
    fields = {item.field for item in explain.explain(*rows).differences}
    assert {"evaluation.checkpoint", "training.precision", "evaluation.resize"} <= fields


def test_subjects_are_found_by_path_place_and_id(make_record, tmp_path):
    results = tmp_path / "results"
    path = record.write(make_record("dcgan", 0), results)
    record.write(make_record("dcgan", 1), results)
    written = tmp_path / "digits.json"
    written.write_text(render.render(board.build(board.load(results)), "json"))
    names = [
        lookup.find(text, results).name
        for text in (str(path), str(written), "digits", "digits/dcgan", "digits/dcgan/1", "mimicry/cifar10/sngan")
    ]
    assert names[0] == "dcgan, seed 0 (digits 1.0.0)"
    assert names[1] == names[2] == "digits 1.0.0"
    assert names[4] == "dcgan, seed 1 (digits 1.0.0)"
    assert names[5] == "SNGAN (Mimicry README, baselines)"
    for text, message in [
        ("digits/gan", "no such record"),
        ("nothing", "nor a published row"),
        ("mimicry/nothing", "nor a published row"),
    ]:
        with pytest.raises(UserError, match=message):
            lookup.find(text, results)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read as JSON"):
        lookup.find(str(tmp_path / "broken.json"), results)


def test_renderings_agree(make_record):
    found = explain.explain(
        explain.of_record(make_record("a|b")), explain.of_record(changed(make_record, "training", images=1))
    )
    assert json.loads(explain.render_json(found))["differences"][0]["field"] == "training.images"
    assert "training.images\n  A 64000\n  B 1\n" in explain.render_text(found)
    assert "a&#124;b" in explain.render_markdown(found)
    assert explain.show("x" * 100) == "x" * 28 + "…" + "x" * 28


def test_suites_are_explained_before_any_run(tmp_path):
    found = explain.explain(lookup.find("mnist", tmp_path), lookup.find("mnist-cpu", tmp_path))
    fields = {item.field for item in found.differences}
    assert "training.images" in fields
    assert not any(field.startswith("facts") for field in fields), "what is not known yet is no difference"
    (tmp_path / "mine.toml").write_text(
        (suites.SUITES / "digits.toml").read_text().replace('name = "digits"', 'name = "mine"', 1)
    )
    same = explain.explain(lookup.find(str(tmp_path / "mine.toml"), tmp_path), lookup.find("digits", tmp_path))
    assert same.comparable == "yes"


def test_a_suite_that_ran_is_held_against_its_records(make_record, tmp_path):
    record.write(make_record(), tmp_path)
    found = explain.explain(lookup.find("digits/dcgan", tmp_path), lookup.find("mnist", tmp_path))
    assert {"data.name", "training.images"} <= {item.field for item in found.differences}
