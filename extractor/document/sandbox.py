"""Work on untrusted files in a child process with bounded time and memory; one child for many files.

The child is `python -m extractor.document.sandbox`: no import of the caller's main program, none of the caller's
environment but what Python needs. It takes a task's name and bytes and answers JSON, each with its length before it.
A child that takes too long, asks for too much memory or dies is ended, and the next call starts another.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

from extractor.errors import InputError

# Name of a task → where its function is: (bytes, options) → what JSON can hold.
TASKS = {
    "pdf": ("extractor.document.formats.pdf_file", "read"),
    "report": ("extractor.service.work.reading", "read_task"),
    "check": ("extractor.service.work.checking", "check_task"),
    "page": ("extractor.service.pages.picture", "draw"),
}
SECONDS = 60.0  # wall clock and processor time of one file
MEMORY = 1_500_000_000  # bytes of address space of the child
_ANSWER = 200_000_000  # bytes
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "PYTHONHASHSEED")
_HEAD = struct.Struct(">QQ")
_TRIALS = 3  # children for one file, where each is ended by somebody else
_BY_OTHERS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_KILLED = frozenset({"killed", "not_started"})  # codes that say nothing of the file
_KILLED_ADVICE = "Give the machine more memory, or read fewer files at once; then read it again."
_ADVICE = "Open it in a PDF or office program and save it anew, or give the text."


class Killed(InputError):
    """The child was ended while it read, or could not be started: by the system for want of memory, by an
    administrator, by ourselves. It says nothing of the file."""


def told_killed(error: Mapping[str, str] | None) -> None:
    """Errors: Killed where a result's error is one; for whoever can wait and read the file again."""
    if error is not None and error["code"] in _KILLED:
        raise Killed(error["code"], error["message"], error["hint"])


class Sandbox:
    """A child process that is started when it is needed. Safe to call from several threads: they take turns."""

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._ended = False
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def run(self, task: str, data: bytes, **options: Any) -> Any:
        """What the task's function gives for the bytes.

        A child that somebody else ended says nothing of the bytes: they are read again by another.
        Errors: InputError of the function itself; `too_slow`, `too_large` (memory), `malformed` (the child died);
        Killed, also after `kill`.
        """
        for trial in range(_TRIALS):
            try:
                return self._run(task, data, options)
            except Killed:
                if self._ended or trial == _TRIALS - 1:
                    raise
        raise AssertionError

    def _run(self, task: str, data: bytes, options: dict[str, Any]) -> Any:
        with self._lock:
            if self._ended:
                _died(-signal.SIGKILL)
            child = self._started()
            if self._ended:  # `kill` came just before there was a child to be killed
                self._end()
                _died(-signal.SIGKILL)
            head = json.dumps({"task": task, "options": options, "seconds": self.seconds}).encode()
            try:
                answer = _exchange(child, _HEAD.pack(len(head), len(data)) + head + data, self.seconds)
            except BaseException:  # a time-out, a death, Ctrl-C: the child may be amid a file
                self._end()
                raise
        found = json.loads(answer)
        if "error" in found:
            code, message, hint = found["error"]
            raise (Killed if code in _KILLED else InputError)(code, message, hint)
        return found["result"]

    def close(self) -> None:
        """Ends the child; a later call starts another."""
        with self._lock:
            self._end()

    def kill(self) -> None:
        """Ends the child at once, also amid a file, and for good."""
        self._ended = True
        child = self._child
        if child is not None and self._owner == os.getpid():
            child.kill()

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid if self._child is not None and self._owner == os.getpid() else None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._owner != os.getpid() or self._child.poll() is not None):
            self._end()
        if self._child is None:
            package = str(Path(__file__).resolve().parents[2])  # where `extractor` is importable from
            environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
            # -P: no module is taken from the folder that the command was called in.
            self._child = _start(
                [sys.executable, "-P", "-m", "extractor.document.sandbox", str(os.getpid()), str(self.memory)],
                {**environment, "PYTHONPATH": package, "PYTHONIOENCODING": "utf-8"},
            )
            self._owner = os.getpid()
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if self._owner == os.getpid():
            child.kill()
            child.wait()
        # A forked process closes its copies of the pipes and leaves the child to the one that started it.
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()  # once, and never by number: that may be another thread's file by then
        child.returncode = child.returncode if child.returncode is not None else 0


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches the parent alone
        )
    except OSError as error:  # no memory, no process, no descriptor left
        said = f"No process can be started to read the file: {error.strerror}."
        raise Killed("not_started", said, _KILLED_ADVICE) from None


def _exchange(child: subprocess.Popen[bytes], question: bytes, seconds: float) -> bytes:
    """Sends a question and waits for the whole answer."""
    assert child.stdin is not None
    assert child.stdout is not None
    # The child's own limit of processor time comes first; what it waits or swaps for is the rest.
    until = time.monotonic() + 1.5 * seconds + 5
    send, receive = child.stdin.fileno(), child.stdout.fileno()
    os.set_blocking(send, False)
    left, answer, need = memoryview(question), bytearray(), -1
    while need < 0 or len(answer) < need:
        ready = select.select([receive], [send] if left else [], [], max(0.0, until - time.monotonic()))
        if not ready[0] and not ready[1]:
            _too_slow()
        if ready[1]:
            try:
                left = left[os.write(send, left[: 1 << 16]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                _died(_code(child))
        if ready[0]:
            piece = os.read(receive, 1 << 20)
            if not piece:
                _died(_code(child))
            answer += piece
            if need < 0 and len(answer) >= 8:
                need = 8 + int.from_bytes(answer[:8], "big")
                if need > _ANSWER:
                    _too_large()
    return bytes(answer[8:need])


def _too_slow() -> NoReturn:
    raise InputError("too_slow", "Reading the file takes longer than any report does.", _ADVICE)


def _too_large() -> NoReturn:
    raise InputError("too_large", "Reading the file takes more memory than any report does.", _ADVICE)


def _code(child: subprocess.Popen[bytes]) -> int:
    try:
        return child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return 0


def _died(code: int) -> NoReturn:
    # By itself it ends only when its parent is gone: 0 is no end that a file brings about.
    if code == 0 or -code in _BY_OTHERS:
        raise Killed("killed", "The process that read the file was ended by the system or by hand.", _KILLED_ADVICE)
    if code == -signal.SIGXCPU:
        _too_slow()
    if code == -signal.SIGABRT:  # how native code ends that is given no more memory
        _too_large()
    raise InputError("malformed", f"The file cannot be read: its reader ended with {code}.", _ADVICE)


_shared = Sandbox()
atexit.register(_shared.close)
if hasattr(os, "register_at_fork"):
    # A lock that another thread held at the fork would stay locked in the new process.
    os.register_at_fork(after_in_child=lambda: setattr(_shared, "_lock", threading.Lock()))


def run(task: str, data: bytes, **options: Any) -> Any:
    """`Sandbox.run` of the process's one sandbox."""
    return _shared.run(task, data, **options)


def main() -> None:
    """The child: answers until its parent closes the pipe or is gone."""
    parent, memory = int(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    _limit_memory(memory)
    questions = sys.stdin.buffer
    while True:
        head = questions.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        about, size = _HEAD.unpack(head)
        question = json.loads(questions.read(about))
        answer = _answer(question, questions, size)
        answers.write(len(answer).to_bytes(8, "big") + answer)
        answers.flush()


def _answer(question: dict[str, Any], questions: IO[bytes], size: int) -> bytes:
    _limit_time(question["seconds"])
    try:
        data = questions.read(size)
        module, name = TASKS[question["task"]]
        function: Callable[..., Any] = getattr(import_module(module), name)
        found: dict[str, Any] = {"result": function(data, **question["options"])}
        return json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace")
    except InputError as error:
        found = {"error": [error.code, error.message, error.hint]}
    except MemoryError:
        found = {"error": ["too_large", "Reading the file takes more memory than any report does.", _ADVICE]}
    except Exception as error:  # a fault of ours or a library's on a file nobody foresaw: this file fails, no other
        found = {"error": ["malformed", f"The file cannot be read ({type(error).__name__}: {error}).", _ADVICE]}
    return json.dumps(found).encode()


def _watch(parent: int) -> None:
    """Ends the child with its parent, also amid a file."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def _limit_memory(memory: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: float) -> None:
    """From now on so many seconds of processor time; the limit counts from the process's start."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
