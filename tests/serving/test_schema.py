"""Whatever is asked within or beside the schema: never a 500, always what the schema says."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bench.serving.admission import Limiter
from bench.serving.meters import Audit
from bench.serving.service import Bounds, Door, Service

schemathesis = pytest.importorskip("schemathesis", reason="make integrations installs schemathesis")
openapi = pytest.importorskip("schemathesis.specs.openapi.checks")
checks = pytest.importorskip("schemathesis.checks")
pytestmark = pytest.mark.slow

CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
]  # that all valid data are taken is not asked: whether there are classes depends on the generator

ROUTES = ["/v1/image", "/v1/images", "/v1/interpolation", "/v1/model", "/health/live", "/metrics"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("classes", [0, 10])
def test_no_request_breaks_the_server(shades, route, classes):
    sampler, facts = shades(classes)
    service = Service(sampler, facts, Door(None, Limiter("1000000/second")), Bounds(images=64), Audit(Path(os.devnull)))
    schema = schemathesis.openapi.from_asgi("/openapi.json", service.app())
    (operation,) = [found.ok() for found in schema.get_all_operations() if found.ok().path == route]

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()
