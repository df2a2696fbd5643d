"""How close many questions come to what an endpoint's latency allows: ideal time divided by real time.

`python -m extractor.eval.bench.throughput [--latency 1] [--slots 64] [--questions 640]`. The endpoint is a process of
its own on loopback that answers each question after so many seconds; the ledger is on disk, as in a real run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import tempfile
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from pydantic import BaseModel

from extractor.llm.calls import Asker
from extractor.llm.ledger import Ledger
from extractor.llm.profiles import Endpoint, profiles
from extractor.llm.question import Answer, Question

# About the length of a few rows with their examples.
_EXCERPT = "（一）予以公开 9 1 0 0 0 1 11\n" * 40


@dataclass(frozen=True, slots=True)
class Throughput:
    """Seconds and their ratio; `failed`: questions without an answer."""

    questions: int
    ideal: float
    real: float
    failed: int

    @property
    def ratio(self) -> float:
        """1 is as fast as the latency allows."""
        return self.ideal / self.real


class Row(BaseModel):
    """The answer that is asked for."""

    cells: list[int]


def measure(latency: float, slots: int, questions: int) -> Throughput:
    """Asks so many questions, `slots` at a time, of an endpoint with a latency in seconds."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(latency, theirs), daemon=True)
    server.start()
    try:
        port = ours.recv()
        with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "model.sqlite") as ledger:
            real, answers = asyncio.run(_ask(f"http://127.0.0.1:{port}/v1", slots, questions, ledger))
    finally:
        server.terminate()
        server.join()
    failed = sum(answer.value is None for answer in answers)
    return Throughput(questions, math.ceil(questions / slots) * latency, real, failed)


async def _ask(url: str, slots: int, questions: int, ledger: Ledger) -> tuple[float, list[Answer]]:
    endpoint = Endpoint("bench", url, replace(profiles()["generic"], slots=slots))
    async with Asker(endpoint, ledger=ledger) as asker:
        start = time.perf_counter()
        answers = await asyncio.gather(*(asker.ask(_question(number)) for number in range(questions)))
        return time.perf_counter() - start, answers


def _question(number: int) -> Question:
    return Question(
        prompt=("bench", "1", "0" * 64),
        messages=(("system", "读出这一行的数。"), ("user", f"{number}\n{_EXCERPT}")),
        answer=Row,
        max_tokens=200,
    )


def _serve(latency: float, ready: Connection) -> None:
    """The endpoint, in a process of its own."""
    message = {"role": "assistant", "content": json.dumps({"cells": [9, 1, 0, 0, 0, 1, 11]})}
    body = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920},
        }
    ).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                await asyncio.sleep(latency)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def main() -> None:
    """Prints the ideal time, the real one and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--questions", type=int, default=640)
    options = parser.parse_args()
    result = measure(options.latency, options.slots, options.questions)
    print(f"{result.questions} questions, {options.slots} slots, {options.latency:g} s latency, {result.failed} failed")
    print(f"ideal {result.ideal:.2f} s   real {result.real:.2f} s   ratio {result.ratio:.3f}")


if __name__ == "__main__":
    main()
