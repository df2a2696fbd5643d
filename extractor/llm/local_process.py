"""The child process of `LocalServer`: runs llama.cpp's server until its parent closes stdin or is gone.

Run as a file, never imported, and it imports nothing of ours: the native code has this process to itself.
Protocol: one line of JSON settings on stdin, then stdin stays open; one line of JSON on stdout, `{"url"}` once the
model is loaded or `{"error"}`. Everything that the native code prints goes to stderr.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import select
import threading
from typing import Any


def _read_settings() -> dict[str, Any]:
    """The first line, byte by byte: nothing behind it may vanish in a buffer."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            os._exit(0)
        line += byte
    settings: dict[str, Any] = json.loads(line)
    return settings


def _end_with_the_parent(parent: int) -> None:
    """Ends this process when stdin is closed, which a parent killed by `kill -9` does too, or when it was adopted.

    While a model loads, the native code holds the interpreter and no thread of ours runs: SIGIO, which the kernel
    sends on the hang-up and whose default action is the end, covers that time.
    """

    def watch() -> None:
        while True:
            ready, _, _ = select.select([0], [], [], 1.0)
            if (ready and not os.read(0, 1)) or os.getppid() != parent:
                os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def _serve(settings: dict[str, Any]) -> Any:
    xllamacpp = importlib.import_module("xllamacpp")  # an extra that carries no types
    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["model"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the kernel chooses a free one; no gap between looking for it and taking it
    params.api_keys = [settings["api_key"]]
    params.n_ctx = settings["context"] * settings["parallel"]
    params.n_parallel = settings["parallel"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.cache_ram_mib = 512
    params.use_jinja = True
    params.offline = True
    params.ui = False
    params.verbosity = 1  # errors only: prompts hold documents and stay out of every log
    return xllamacpp.Server(params)


def main() -> None:
    """Loads, says so, and waits for the end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    settings = _read_settings()
    _end_with_the_parent(settings["parent"])
    try:
        server = _serve(settings)
        answer = {"url": server.listening_address}
    except Exception as error:
        server, answer = None, {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
    if server is None:
        os._exit(1)
    threading.Event().wait()


if __name__ == "__main__":
    main()
