"""What a client sees: files, bounds, refusals, and what is written down about it."""

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.serving.admission import Keys, Limiter, new_key, read_keys
from bench.serving.meters import Audit
from bench.serving.sampler import Wanted
from bench.serving.service import Bounds, Door, Service
from bench.serving.watch import BODY

pytest.importorskip("httpx2")
from fastapi.testclient import TestClient

ENOUGH = "1000000/second"


@pytest.fixture
def client(shades, tmp_path) -> Callable[..., Any]:
    """A client of a service, in a context."""

    @contextmanager
    def make(
        classes: int = 0, keys: Keys | None = None, rate: str = ENOUGH, bounds: Bounds | None = None
    ) -> Iterator[TestClient]:
        sampler, facts = shades(classes)
        door = Door(keys, Limiter(rate))
        service = Service(sampler, facts, door, bounds or Bounds(), Audit(tmp_path / "audit.log"))
        with TestClient(service.app(), raise_server_exceptions=False) as found:
            yield found

    return make


def picture(content: bytes) -> Any:
    return Image.open(io.BytesIO(content), formats=["PNG"])


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]


def test_an_image_says_its_seed_and_where_it_comes_from(client, shades):
    with client() as asked:
        answer = asked.get("/v1/image", params={"seed": 5})
    assert (answer.status_code, answer.headers["content-type"], answer.headers["x-seed"]) == (200, "image/png", "5")
    found = picture(answer.content)
    assert found.size == (16, 16)
    assert np.array_equal(np.asarray(found), shades()[0].render([Wanted(5)])[0, 0])
    assert found.text["gan-bench:seed"] == "5"
    assert found.text["gan-bench:checkpoint"] == answer.headers["x-checkpoint"] == "c" * 64
    assert "trainedAlgorithmicMedia" in found.text["XML:com.adobe.xmp"]


def test_arrays_hold_the_images_of_the_seeds_in_their_order(client, shades):
    with client(classes=10) as asked:
        answer = asked.post("/v1/images", json={"seeds": [9, 4], "labels": [1, 2], "format": "npz"})
    found = np.load(io.BytesIO(answer.content), allow_pickle=False)
    expected = shades(10)[0].render([Wanted(9, 1), Wanted(4, 2)])
    assert np.array_equal(found["arr_0"], np.moveaxis(expected, 1, -1))
    assert (found["seeds"].tolist(), found["labels"].tolist()) == ([9, 4], [1, 2])


def test_a_grid_holds_all_images_and_their_seeds(client):
    with client() as asked:
        found = picture(asked.post("/v1/images", json={"seed": 3, "count": 10}).content)
    assert found.size == (8 * 16 + 7 * 2, 2 * 16 + 2)
    assert found.text["gan-bench:seeds"] == ",".join(map(str, range(3, 13)))


def test_a_path_is_one_row_from_seed_to_seed(client):
    with client() as asked:
        found = picture(asked.get("/v1/interpolation", params={"seed": 1, "towards": 2, "steps": 5}).content)
    assert found.size == (5 * 16 + 4 * 2, 16)
    assert found.text["gan-bench:seeds"] == "1-2"


def test_without_a_class_the_seed_gives_it(client):
    with client(classes=10) as asked:
        assert asked.get("/v1/image", params={"seed": 27}).headers["x-label"] == "7"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/image", {"seed": -1}),
        ("/v1/image", {"seed": 2**32}),
        ("/v1/image", {"seed": "x"}),
        ("/v1/image", {"seed": "1e400"}),
        ("/v1/image", {"label": 10}),
        ("/v1/image", {"truncation": 1.5}),
        ("/v1/image", {"truncation": "nan"}),
        ("/v1/image", {"truncation": 0.5}),  # this generator has none
        ("/v1/image", {"sed": 1}),
        ("/v1/interpolation", {"steps": 1}),
        ("/v1/interpolation", {"steps": 300}),
        ("/v1/interpolation", {"format": "exe"}),
        ("/v1/images", {"count": 10**9}),
        ("/v1/images", {"count": 0}),
        ("/v1/images", {"count": 257}),
        ("/v1/images", {"seeds": []}),
        ("/v1/images", {"seeds": [1], "labels": [1, 2]}),
        ("/v1/images", {"seed": 2**32 - 1, "count": 2}),
        ("/v1/images", {"seeds": [2**40]}),
        ("/v1/images", {"labels": [[]]}),
        ("/v1/images", {"out": "/etc/passwd"}),
    ],
)
def test_what_is_out_of_bounds_is_refused_before_anything_is_made(client, path, asked):
    with client(classes=10) as found:
        answer = found.post(path, json=asked) if path == "/v1/images" else found.get(path, params=asked)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"]


def test_a_class_where_there_are_none_is_refused(client):
    with client() as asked:
        assert "takes no class" in asked.get("/v1/image", params={"label": 0}).text


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"seed": 1e999}', b'{"\\ud800": 1}', b"[" * 50_000]
)
def test_bodies_that_are_no_request_are_refused(client, content):
    with client() as asked:
        answer = asked.post("/v1/images", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)


def test_a_large_body_is_refused_without_being_read_to_its_end(client):
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100 * BODY:
            sent += 4096
            yield b" " * 4096

    with client() as asked:
        answer = asked.post("/v1/images", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_pixels_are_bounded_in_bytes_too(client):
    with client(bounds=Bounds(images=256, bytes=16 * 16 * 10)) as asked:
        assert asked.post("/v1/images", json={"count": 10}).status_code == 200
        assert asked.post("/v1/images", json={"count": 11}).status_code == 422


def test_300_requests_against_100_a_minute_are_100_answers_and_200_refusals(client):
    with client(rate="100/minute") as asked:
        answers = [asked.get("/v1/image") for _ in range(300)]
        assert Counter(one.status_code for one in answers) == {200: 100, 429: 200}
        assert {int(one.headers["retry-after"]) for one in answers[100:]} <= set(range(1, 62))
        assert asked.get("/health/live").status_code == 200


def test_of_two_rates_the_stricter_counts():
    limiter = Limiter("5/minute;3/minute")
    assert [limiter.refused("a") is None for _ in range(5)] == [True, True, True, False, False]
    assert limiter.refused("b") is None


def test_keys_let_in_whoever_has_one_and_each_has_a_rate_of_its_own(client, tmp_path):
    (one, line), (other, second) = new_key("ada"), new_key("bob")
    (tmp_path / "keys.txt").write_text(f"# keys\n{line}\n{second}  # until May\n")
    keys = read_keys(tmp_path / "keys.txt")
    with client(keys=keys, rate="2/minute") as asked:

        def status(**headers: str) -> int:
            return asked.get("/v1/image", headers=headers).status_code

        assert [status(), status(authorization="Bearer wrong"), status(authorization=f"Basic {one}")] == [401, 401, 429]
        assert [status(authorization=f"Bearer {one}") for _ in range(3)] == [200, 200, 429]
        assert status(authorization=f"Bearer {other}") == 200
        assert asked.get("/health/ready").status_code == asked.get("/metrics").status_code == 200
    said = (tmp_path / "audit.log").read_text()
    assert one not in said
    assert other not in said
    assert {entry.get("client") for entry in lines(tmp_path)} >= {"key ada", "key bob"}


@pytest.mark.parametrize("text", ["", "ada", "ada 123", f"ada {'0' * 64}\nada {'1' * 64}", f"a b {'0' * 64}"])
def test_files_of_keys_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "keys.txt").write_text(text)
    with pytest.raises(Exception, match="--keys"):
        read_keys(tmp_path / "keys.txt")


def test_every_request_leaves_one_line(client, tmp_path):
    with client() as asked:
        asked.get("/v1/image", params={"seed": 4})
        asked.get("/v1/image", params={"seed": -1})
        asked.get("/nowhere/at/all")
    made, refused, unknown = lines(tmp_path)
    assert (made["route"], made["status"], made["seed"], made["count"]) == ("/v1/image", 200, 4, 1)
    assert made["checkpoint"] == "c" * 64
    assert (refused["status"], "seed" in refused) == (422, False)
    assert (unknown["route"], unknown["status"]) == ("unknown", 404)


def test_metrics_count_requests_images_and_passes(client):
    with client() as asked:
        asked.post("/v1/images", json={"count": 20})
        asked.get("/secret-path")
        text = asked.get("/metrics").text
    assert 'bench_requests_total{route="/v1/images",status="200"} 1.0' in text
    assert "bench_images_total 20.0" in text
    assert "bench_pass_images_sum 21.0" in text  # with the one before the first request
    assert "bench_queue_images 0.0" in text
    assert "secret-path" not in text


def test_the_page_needs_nothing_from_elsewhere(client):
    with client() as asked:
        for path in ("/", "/try.js", "/try.css"):
            answer = asked.get(path)
            assert answer.status_code == 200
            assert not re.search(r"(?:https?:)?//[\w.]+\.\w", answer.text)
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize("path", ["/../etc/passwd", "/v1/../../x", "/try.js/../service.py", "/static/try.js", "/docs"])
def test_no_path_reaches_a_file(client, path):
    with client() as asked:
        assert asked.get(path).status_code == 404


def test_a_generator_that_fails_is_a_500_without_its_words(client, monkeypatch):
    from bench.serving.engine import Engine

    with client() as asked:

        async def broken(self: Engine, wanted: Any) -> None:
            raise RuntimeError("secret words")

        monkeypatch.setattr(Engine, "images", broken)
        answer = asked.get("/v1/image")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_what_is_being_sent_is_bounded(client):
    with client(bounds=Bounds(held=16 * 16 * 8)) as asked:
        for _ in range(3):  # each is released when it was sent
            assert asked.post("/v1/images", json={"count": 8}).status_code == 200
        service = asked.app.state.service
        release = service._hold(16 * 16 * 4)
        refused = asked.post("/v1/images", json={"count": 5})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert asked.post("/v1/images", json={"count": 4}).status_code == 200
        release()
        assert asked.post("/v1/images", json={"count": 300}).status_code == 422
        assert service._held == 0


def test_a_full_queue_is_a_503_with_retry_after(client, monkeypatch):
    from bench.serving.engine import BusyError, Engine

    with client() as asked:

        async def busy(self: Engine, wanted: Any) -> None:
            raise BusyError

        monkeypatch.setattr(Engine, "images", busy)
        answer = asked.get("/v1/image")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
