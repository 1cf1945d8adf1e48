"""The files of docs/examples/serve say what is true of the server: its routes, its options, its metrics."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.cli.app import tree
from bench.serving.meters import Meters
from bench.serving.server import GRACE

OF_OTHERS = {"--to"}  # bench export
FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "serve"


def options() -> set[str]:
    serve = tree().commands["serve"]
    return {name for param in serve.params for name in param.opts if name.startswith("--")}


def instructions() -> dict[str, str]:
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    return {line.split()[0]: line.partition(" ")[2] for line in lines if line and not line.startswith("#")}


def documents() -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text()))


def test_the_container_runs_a_command_that_there_is():
    found = instructions()
    words = json.loads(found["ENTRYPOINT"]) + json.loads(found["CMD"])
    assert words[:2] == ["bench", "serve"]
    assert {word for word in words if word.startswith("--")} <= options()
    assert found["USER"] != "root"
    assert words[words.index("--port") + 1] == found["EXPOSE"]


def test_the_container_copies_files_that_there_are():
    root = FOLDER.parents[2]
    copied = [
        line.split()[1:-1] for line in (FOLDER / "Dockerfile").read_text().splitlines() if line.startswith("COPY")
    ]
    assert all((root / name).exists() for names in copied for name in names)


def test_the_deployment_asks_routes_that_there_are(shades):
    from bench.serving.admission import Limiter
    from bench.serving.meters import Audit
    from bench.serving.service import Bounds, Door, Service

    sampler, facts = shades()
    app = Service(sampler, facts, Door(None, Limiter("1/second")), Bounds(), Audit()).app()
    routes = set(app.openapi()["paths"])
    deployment, service = documents()
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    probes = [container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    assert {probe["path"] for probe in probes} <= routes
    assert deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/path"] in routes
    assert {word for word in container["args"] if word.startswith("--")} <= options()
    assert spec["terminationGracePeriodSeconds"] > GRACE
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in spec["volumes"]}
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]


def test_the_dashboard_draws_metrics_that_there_are():
    known = {line.split()[2] for line in Meters(lambda: 0).text().decode().splitlines() if line.startswith("# TYPE")}
    board = json.loads((FOLDER / "grafana.json").read_text())
    asked = re.findall(r"bench_\w+", json.dumps(board))
    assert len(board["panels"]) == len({panel["id"] for panel in board["panels"]}) == 6
    assert asked
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= known


def test_commands_on_the_page_are_those_of_the_help():
    page = (FOLDER.parents[1] / "serving.md").read_text()
    said = set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", page)) - OF_OTHERS
    assert said <= options()
    assert {"--keys", "--rate", "--benchmark", "--together"} <= said
