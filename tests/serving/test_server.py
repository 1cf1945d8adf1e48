"""The command: it refuses what it cannot serve, ends well, and holds under load."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from bench.cli.guard import main
from bench.errors import UserError
from bench.perf.export import export
from bench.perf.traceable import exportable
from bench.serving import load, loading, running, sending
from bench.serving.admission import Limiter
from bench.serving.loading import Source
from bench.serving.meters import Audit
from bench.serving.sampler import Wanted
from bench.serving.server import bound
from bench.serving.service import Bounds, Door, Service

CPU = torch.device("cpu")


@pytest.fixture
def onnx_file(served, tmp_path) -> Path:
    pytest.importorskip("onnxruntime")
    sampler = served("dcgan")
    export(exportable(sampler.gan, sampler.nets, sampler.spec), "onnx", tmp_path / "generator.onnx")
    return tmp_path / "generator.onnx"


@contextmanager
def command(*options: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`bench serve`, once it answers; its process and its address."""
    arguments = [sys.executable, "-m", "bench", "serve", *map(str, options), "--port", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://[\d.:]+", said)
            assert found, said + process.stderr.read() if process.stderr else ""
            yield process, found[0]
        finally:
            process.kill()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


@pytest.mark.slow
def test_an_onnx_file_gives_the_images_of_the_networks_it_was_made_of(served, onnx_file):
    sampler, facts = loading.load(Source(onnx_file, latents="gaussian:100"), CPU, together=4)
    wanted = [Wanted(seed) for seed in range(6)]
    difference = sampler.render(wanted).astype(int) - served("dcgan").render(wanted)
    assert abs(difference).max() <= 1
    assert (facts.resolution, facts.channels, facts.classes, facts.truncation) == (16, 1, 0, False)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_with_0(onnx_file, number):
    with command(onnx_file) as (process, address):
        assert get(f"{address}/v1/image?seed=3").startswith(b"\x89PNG")
        process.send_signal(number)
        assert process.wait(60) == 0
        with pytest.raises(OSError):
            get(f"{address}/health/live")


def test_a_server_that_ends_finishes_what_it_has_begun(shades):
    sampler, facts = shades()
    began, gate = threading.Event(), threading.Event()
    made = sampler.render

    def render(wanted):
        if wanted[0].seed == 7:
            began.set()
            assert gate.wait(30)
        return made(wanted)

    sampler.render = render
    service = Service(sampler, facts, Door(None, Limiter("1000/second")), Bounds(), Audit(Path(os.devnull)))
    answers: list[bytes] = []
    with bound("127.0.0.1", 0) as listening:
        with running.in_background(service.app(), listening) as port:
            asking = threading.Thread(target=lambda: answers.append(get(f"http://127.0.0.1:{port}/v1/image?seed=7")))
            asking.start()
            assert began.wait(30)
            threading.Timer(0.3, gate.set).start()
        asking.join(30)  # the server has ended
    assert answers
    assert answers[0].startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_load_loses_no_request_and_memory_stays(shades):
    sampler, facts = shades()
    service = Service(sampler, facts, Door(None, Limiter("1000000/second")), Bounds(), Audit(Path(os.devnull)))
    with bound("127.0.0.1", 0) as listening, running.in_background(service.app(), listening) as port:
        load.measure("127.0.0.1", port, [8], 1.0)
        before = psutil.Process().memory_info().rss
        (found,) = load.measure("127.0.0.1", port, [8], 3.0)
        grown = psutil.Process().memory_info().rss - before
    assert set(found.statuses) == {"200"}
    assert sum(found.statuses.values()) == len(found.milliseconds) > 100
    assert found.percentile(50) <= found.percentile(99) <= max(found.milliseconds)
    assert grown < 64 * 2**20


def test_clients_at_once_get_the_bytes_that_they_get_alone(shades):
    sampler, facts = shades()
    service = Service(sampler, facts, Door(None, Limiter("1000000/second")), Bounds(), Audit(Path(os.devnull)))
    with bound("127.0.0.1", 0) as listening, running.in_background(service.app(), listening) as port:
        urls = [f"http://127.0.0.1:{port}/v1/image?seed={seed}" for seed in range(24)]
        alone = [get(url) for url in urls]
        together: dict[str, bytes] = {}
        threads = [threading.Thread(target=lambda url=url: together.update({url: get(url)})) for url in urls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [together[url] for url in urls] == alone


def asked_by_hand(port: int, path: str) -> socket.socket:
    """A connection that has asked and reads nothing."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    return connection


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_whoever_closes_the_connection_loses_the_place(shades):
    sampler, facts = shades()
    began, gate, made = threading.Event(), threading.Event(), sampler.render
    passes: list[list[int]] = []

    def render(wanted):
        passes.append([one.seed for one in wanted])
        if wanted[0].seed == 7:
            began.set()
            assert gate.wait(30)
        return made(wanted)

    sampler.render = render
    service = Service(sampler, facts, Door(None, Limiter("1000/second")), Bounds(), Audit(Path(os.devnull)))
    with bound("127.0.0.1", 0) as listening, running.in_background(service.app(), listening) as port:
        first = asked_by_hand(port, "/v1/image?seed=7")
        assert began.wait(30)
        leaves = asked_by_hand(port, "/v1/image?seed=8")
        until(lambda: service.engine.waiting == 1)
        leaves.close()
        until(lambda: service._held == facts.bytes_each)  # that of the first
        gate.set()
        assert get(f"http://127.0.0.1:{port}/v1/image?seed=9").startswith(b"\x89PNG")
        first.close()
    assert passes[1:] == [[7], [9]]


def test_a_client_that_does_not_read_is_given_up_and_its_room_is_free(shades, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.5)
    sampler, facts = shades()
    bounds = Bounds(images=4_096, bytes=2**30)
    service = Service(sampler, facts, Door(None, Limiter("1000/second")), bounds, Audit(Path(os.devnull)))
    large = np.random.default_rng(0).integers(0, 256, (4_000, 1, 16, 16), np.uint8)

    async def images(wanted):
        return np.repeat(large, 16, 0)  # 16 MB, more than sockets hold

    monkeypatch.setattr(service.engine, "images", images)
    with bound("127.0.0.1", 0) as listening, running.in_background(service.app(), listening) as port:
        silent = asked_by_hand(port, "/v1/interpolation?steps=100&format=npz")
        until(lambda: service._held > 0)
        until(lambda: service._held == 0)
        silent.close()


def test_a_port_in_use_is_said_before_anything_is_loaded(tmp_path, capsys):
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["serve", str(tmp_path / "missing.pt"), "--port", str(port)])
    assert ended.value.code == 2
    assert re.search(rf"--port {port}: .*in use", capsys.readouterr().err)


@pytest.mark.parametrize("name", ["host.invalid", "999.1.1.1"])
def test_an_address_that_is_none_is_refused(name):
    with pytest.raises(UserError, match="--host"):
        bound(name, 0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pt", b"junk", "a.pt"),
        ("a.onnx", b"junk", "damaged or no ONNX model"),
        ("a.json", b"{}", "a.json"),
        ("a.ts", b"junk", "could run code"),
        ("a.pkl", b"junk", "could run code"),
    ],
)
def test_files_that_are_no_generator_are_refused(tmp_path, name, content, said):
    pytest.importorskip("onnxruntime")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        loading.load(Source(tmp_path / name), CPU, 4)


def test_a_pickle_in_a_checkpoint_runs_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(UserError):
        loading.load(Source(tmp_path / "evil.pt"), CPU, 4)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"latents": "gaussian:7"}, "width 100"),
        ({"classes": 3}, "takes no labels"),
        ({"latents": "beta:100"}, "--latents"),
    ],
)
def test_statements_that_an_onnx_file_contradicts_are_refused(onnx_file, source, said):
    with pytest.raises(UserError, match=said):
        loading.load(Source(onnx_file, **source), CPU, 4)


@pytest.mark.slow
def test_a_measurement_is_written_with_raw_times_and_the_machine(onnx_file, tmp_path, capsys):
    out = tmp_path / "load.json"
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "serve",
                str(onnx_file),
                "--port",
                "0",
                "--benchmark",
                "--clients",
                "1,4",
                "--seconds",
                "0.5",
                "--out",
                str(out),
            ]
        )
    assert ended.value.code == 0
    found = json.loads(out.read_text())
    assert [one["clients"] for one in found["loads"]] == [1, 4]
    for one in found["loads"]:
        assert one["statuses"] == {"200": len(one["milliseconds"])}
    assert found["environment"]["cpu"]
    assert "requests/s" in capsys.readouterr().out


def test_a_new_key_is_printed_once_and_its_line_is_what_keys_takes(capsys, tmp_path):
    with suppress(SystemExit):
        main(["serve", "--new-key", "ada"])
    said = capsys.readouterr()
    key = said.err.split()[-1]
    assert key not in said.out
    (tmp_path / "keys.txt").write_text(said.out)
    from bench.serving.admission import read_keys

    assert read_keys(tmp_path / "keys.txt").name_of(key) == "ada"
    assert read_keys(tmp_path / "keys.txt").name_of(key + "x") is None


@pytest.mark.parametrize("rate", ["", "fast", "0", "-1/second", "5/fortnight", "100"])
def test_rates_that_are_none_are_refused(rate):
    with pytest.raises(UserError, match="--rate"):
        Limiter(rate)
