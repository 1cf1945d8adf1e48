"""Who waits, who is made together, who is turned away."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from bench.serving.engine import BusyError, Engine
from bench.serving.sampler import Wanted


class Model:
    """Gives each image its seed, when it is let."""

    def __init__(self, free: bool = True):
        self.gate = threading.Event()
        self.began = threading.Event()
        self.passes: list[list[int]] = []
        if free:
            self.gate.set()

    def __call__(self, wanted: Sequence[Wanted]) -> np.ndarray:
        self.passes.append([one.seed for one in wanted])
        self.began.set()
        assert self.gate.wait(30)
        if any(one.seed == 666 for one in wanted):
            raise ValueError("broken")
        return np.array([one.seed for one in wanted])


def played(model: Model, scene: Callable[[Engine], Awaitable[None]], room: int = 100) -> Engine:
    async def act() -> Engine:
        engine = Engine(model, together=4, room=room)
        engine.start()
        await asyncio.wait_for(scene(engine), 30)
        await engine.stop()
        return engine

    return asyncio.run(act())


def of(*seeds: int) -> list[Wanted]:
    return [Wanted(seed) for seed in seeds]


def ask(engine: Engine, *seeds: int) -> "asyncio.Task[np.ndarray]":
    return asyncio.create_task(engine.images(of(*seeds)))


async def begun(model: Model) -> None:
    while not model.began.is_set():
        await asyncio.sleep(0.005)


def test_a_request_alone_waits_for_nobody():
    model = Model()

    async def scene(engine: Engine) -> None:
        for seed in range(3):
            assert (await engine.images(of(seed))).tolist() == [seed]

    played(model, scene)
    assert model.passes == [[0], [1], [2]]


def test_what_gathers_while_a_pass_runs_is_made_together():
    model = Model(free=False)

    async def scene(engine: Engine) -> None:
        tasks = [ask(engine, 0)]
        await begun(model)
        tasks += [ask(engine, 1), ask(engine, 2, 3), ask(engine, 4, 5)]
        await asyncio.sleep(0)
        model.gate.set()
        found = [image.tolist() for image in await asyncio.gather(*tasks)]
        assert found == [[0], [1], [2, 3], [4, 5]]

    played(model, scene)
    assert model.passes == [[0], [1, 2, 3], [4, 5]]


def test_a_large_request_is_cut_and_comes_back_whole():
    model = Model()

    async def scene(engine: Engine) -> None:
        assert (await engine.images(of(*range(10)))).tolist() == list(range(10))

    played(model, scene)
    assert [len(one) for one in model.passes] == [4, 4, 2]


def test_a_full_queue_turns_away_and_one_with_room_does_not():
    model = Model(free=False)

    async def scene(engine: Engine) -> None:
        tasks = [ask(engine, 0)]
        await begun(model)
        tasks += [ask(engine, 1, 2, 3)]
        await asyncio.sleep(0)
        assert engine.waiting == 3
        with pytest.raises(BusyError):
            await engine.images(of(4, 5))
        tasks += [ask(engine, 6)]
        await asyncio.sleep(0)
        model.gate.set()
        await asyncio.gather(*tasks)
        assert engine.waiting == 0

    played(model, scene, room=4)
    assert sorted(seed for one in model.passes for seed in one) == [0, 1, 2, 3, 6]


def test_a_request_larger_than_the_queue_is_let_in_when_nothing_waits():
    async def scene(engine: Engine) -> None:
        assert len(await engine.images(of(*range(9)))) == 9

    played(Model(), scene, room=4)


def test_who_leaves_loses_the_place():
    model = Model(free=False)

    async def scene(engine: Engine) -> None:
        first = ask(engine, 0)
        await begun(model)
        gone, stays = ask(engine, 1), ask(engine, 2)
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        model.gate.set()
        assert (await first).tolist() == [0]
        assert (await stays).tolist() == [2]

    played(model, scene)
    assert model.passes == [[0], [2]]


def test_one_that_fails_does_not_fail_its_neighbours():
    model = Model(free=False)

    async def scene(engine: Engine) -> None:
        first = ask(engine, 0)
        await begun(model)
        sound, broken, other = ask(engine, 1), ask(engine, 666), ask(engine, 2)
        await asyncio.sleep(0)
        model.gate.set()
        assert [(await one).tolist() for one in (first, sound, other)] == [[0], [1], [2]]
        with pytest.raises(ValueError, match="broken"):
            await broken

    played(model, scene)


def test_an_error_is_told_and_the_next_request_is_made():
    async def scene(engine: Engine) -> None:
        with pytest.raises(ValueError, match="broken"):
            await engine.images(of(666))
        assert (await engine.images(of(1))).tolist() == [1]

    played(Model(), scene)
