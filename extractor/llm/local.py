"""A GGUF file as an OpenAI-compatible endpoint on loopback, started and stopped by us (`--model local`).

The native code runs in a process of its own (`local_process.py`): when it crashes, gouji goes on; when gouji ends,
however it ends, it ends too. The endpoint asks for a key that lives as long as the server.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from extractor.errors import UsageError
from extractor.llm.errors import EndpointError
from extractor.llm.profiles import Endpoint

# Taken first when several files lie in the folder, so that a run does not change with what was fetched last.
PREFERRED = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"

_MAGIC = b"GGUF"


def models_folder(env: Mapping[str, str]) -> Path:
    """Where models are kept: `$GOUJI_CACHE_DIR/models`, else `gouji/models` in the user's cache folder."""
    if own := env.get("GOUJI_CACHE_DIR"):
        return Path(own).expanduser() / "models"
    cache = env.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "gouji" / "models"


def _say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def find_model(path: str | None, env: Mapping[str, str], *, say: Callable[[str], object] = _say_on_stderr) -> Path:
    """The GGUF file of `local:PATH`, else of `GOUJI_LOCAL_MODEL`, else the one in the models folder.

    When several lie there, `say` gets a line that names the one taken. Errors: EndpointError `no_local_model`,
    `no_such_model`, `not_gguf`.
    """
    if given := path or env.get("GOUJI_LOCAL_MODEL"):
        return _checked(Path(given).expanduser())
    folder = models_folder(env)
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.suffix == ".gguf" and entry.is_file())
    except OSError:
        found = []
    if not found:
        raise EndpointError(
            "no_local_model",
            f"There is no model in {folder}.",
            "Name a GGUF file (--model local:PATH.gguf or GOUJI_LOCAL_MODEL), or fetch the test model: make model",
        )
    chosen = next((entry for entry in found if entry.name == PREFERRED), found[0])
    if len(found) > 1:
        say(f"gouji: {len(found)} models in {folder}, taking {chosen.name} (--model local:PATH names another)")
    return _checked(chosen)


def _checked(path: Path) -> Path:
    """`path`, if it is a GGUF file."""
    if not path.is_file():
        what = "is a folder, no file" if path.is_dir() else "does not exist"
        raise EndpointError("no_such_model", f"The model {path} {what}.", "Give the path of a GGUF file.")
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise EndpointError("no_such_model", f"The model {path} cannot be read: {error.strerror}.") from error
    if magic != _MAGIC:
        raise EndpointError("not_gguf", f"{path} is no GGUF file.", "A local model is one .gguf file of llama.cpp.")
    return path


def model_id(path: Path) -> str:
    """The name under which a file is served and stands in ledger and cache: stem and a print of what is in it.

    The print is of the size, the head and blocks spread over the file: another model under the same name is told
    apart, and a file of many gigabytes is not read through.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        for part in range(1, 33):
            file.seek(max(0, size * part // 32 - (1 << 14)))
            digest.update(file.read(1 << 14))
    return f"{path.stem}-{digest.hexdigest()[:8]}"


def _idle_seconds() -> float:
    """Processor time that all cores together have spent idle since the start of the machine (Linux)."""
    fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def _free_cores() -> int:
    """How many cores have nothing to do just now, at least one.

    llama.cpp's threads wait for each other in busy loops, many times a token: one thread more than there are free
    cores and the speed falls by a factor of 10 to 100 (measured on 2 cores beside two busy processes: 2 threads gave
    0.4 to 10 tokens/s, 1 thread 8 to 17; on an idle machine 44 and 29).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):  # "max": no limit of this container
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        cores = min(cores, int(quota) // int(period))
    with contextlib.suppress(OSError, ValueError, IndexError):
        idle, start = _idle_seconds(), time.monotonic()
        time.sleep(0.2)
        cores = min(cores, round((_idle_seconds() - idle) / (time.monotonic() - start)))
    return max(1, min(cores, 16))


def _threads_of(env: Mapping[str, str]) -> int | None:
    raw = env.get("GOUJI_LOCAL_THREADS", "")
    if not raw:
        return None
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= 512:
        raise UsageError("bad_threads", f"GOUJI_LOCAL_THREADS={raw!r} is no number of threads.", "Write 1 or more.")
    return int(raw)


@contextlib.contextmanager
def running(endpoint: Endpoint, env: Mapping[str, str]) -> Iterator[Endpoint]:
    """The endpoint with an address that answers: a local one is started and in the end stopped, any other is as it is.

    `GOUJI_LOCAL_THREADS` sets the number of threads. Errors: those of `find_model` and `LocalServer`; UsageError
    `bad_threads`.
    """
    if endpoint.kind != "local":
        yield endpoint
        return
    path = find_model(str(endpoint.path) if endpoint.path else None, env)
    with LocalServer(path, context=endpoint.profile.context, threads=_threads_of(env)) as server:
        yield replace(endpoint, model=server.model, base_url=server.base_url, key=server.api_key, path=path)


class LocalServer:
    """`with LocalServer(path) as server:` serves `path` at `server.base_url` under `server.model`.

    One request at a time by default, more wait in the server's queue: on 2 cores 12 rows took 9.4 s with one slot,
    10.5 s with two, 12.2 s with four. `context` is what one request may hold.
    Errors: EndpointError `no_xllamacpp`, `no_such_model`, `not_gguf`, `local_failed`, `local_timeout`.
    """

    def __init__(
        self,
        path: Path,
        *,
        context: int = 8192,
        parallel: int = 1,
        threads: int | None = None,
        timeout: float | None = None,
    ) -> None:
        self.path = path
        self.context, self.parallel = context, parallel
        self.threads = threads  # None: as many as there are free cores at the start
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = ""  # ends in /v1; set once the server answers
        self.model = ""
        self.api_key = secrets.token_urlsafe(24)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def alive(self) -> bool:
        """Whether the child runs; False after a crash of the native code."""
        return self.pid is not None

    def start(self) -> Self:
        """Loads the model and waits until it answers; blocks for seconds. Nothing is left behind on an error."""
        if self.alive:
            return self
        if importlib.util.find_spec("xllamacpp") is None:
            raise EndpointError(
                "no_xllamacpp", "A local model needs xllamacpp, which is not installed.", "pip install 'gouji[local]'"
            )
        _checked(self.path)
        self.model = model_id(self.path)
        self.threads = self.threads or _free_cores()
        # A slow disk reads 20 MB a second.
        limit = self._timeout or 60 + self.path.stat().st_size / 20e6
        deadline = time.monotonic() + limit
        with tempfile.TemporaryFile() as log:
            try:
                self._launch(log.fileno())
                answer = self._first_line(deadline)
                if answer is None:
                    raise EndpointError(
                        "local_timeout",
                        f"The model {self.path.name} was not loaded after {limit:.0f} s.",
                        "Take a smaller model, or give the machine less to do.",
                    )
                if "url" not in answer:
                    raise self._failure(str(answer.get("error", "")), log.fileno())
                self.base_url = f"{answer['url']}/v1"
                self._await_answer(deadline, limit)
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """Ends the child, gently first; may be called twice."""
        process, self._process = self._process, None
        self.base_url = ""
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        for end in (None, process.terminate, process.kill):
            if end:
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
                return

    def _launch(self, log: int) -> None:
        # -P: a file named json.py in the working folder is none of the child's business. A session of its own:
        # Ctrl-C goes to gouji alone, which then stops the child.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("local_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        settings = {
            "path": str(self.path.absolute()),
            "model": self.model,
            "api_key": self.api_key,
            "context": self.context,
            "parallel": self.parallel,
            "threads": self.threads,
            "parent": os.getpid(),
        }
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
            self._process.stdin.flush()

    def _first_line(self, deadline: float) -> dict[str, object] | None:
        """What the child says: its line; empty when it ended without one; None when the time is up."""
        assert self._process
        assert self._process.stdout
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                read = os.read(self._process.stdout.fileno(), 4096)
                if not read:
                    return {}
                line += read
        answer: dict[str, object] = json.loads(line)
        return answer

    def _failure(self, said: str, log: int) -> EndpointError:
        """Why the child did not start, in its own words as far as they help."""
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        os.lseek(log, 0, os.SEEK_SET)
        printed = os.read(log, 1 << 16).decode("utf-8", "replace")
        if said.startswith(("ImportError", "ModuleNotFoundError")):
            return EndpointError(
                "no_xllamacpp", f"xllamacpp cannot be loaded: {said}.", "pip install --upgrade 'gouji[local]'"
            )
        reason = next((line for line in printed.splitlines() if "error loading model:" in line), "")
        reason = reason.partition("error loading model:")[2].strip() or said
        code = self._process.returncode
        if not reason and code is not None and code < 0:
            reason = f"its process ended with {signal.Signals(-code).name}"
        return EndpointError(
            "local_failed",
            f"The model {self.path.name} cannot be loaded: {reason or 'no reason was given'}.",
            "The file may be cut short (fetch it again), too large for the memory, or newer than this xllamacpp.",
        )

    def _await_answer(self, deadline: float, limit: float) -> None:
        """Waits until /v1/models answers to our key."""
        # Past any proxy of the environment: this is loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"{self.base_url}/models", headers={"Authorization": f"Bearer {self.api_key}"})
        while True:
            try:
                with opener.open(request, timeout=5):
                    return
            except OSError:  # urllib's errors are OSErrors
                pass
            if not self.alive or time.monotonic() > deadline:
                raise EndpointError(
                    "local_timeout",
                    f"The local server {'does not answer' if self.alive else 'ended'} after it had loaded the model.",
                    "Try again; if it stays so, another build of xllamacpp may help.",
                )
            time.sleep(0.1)
