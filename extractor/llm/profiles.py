"""Endpoint profiles (data in profiles.toml) and what `--model SPEC` names."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit, urlunsplit

from extractor.errors import UsageError

# Forms of structured output, best first.
Rung = Literal["json_schema_strict", "json_schema", "tools", "json_object", "prompt"]

OUR_KEY = "GOUJI_API_KEY"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, as they were on `date` (ISO)."""

    prompt: Decimal
    completion: Decimal
    date: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a kind of endpoint; the fields are explained in profiles.toml."""

    name: str
    base_url: str
    ladder: tuple[Rung, ...]
    key_env: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    model: str = ""
    needs_key: bool = True
    unsupported: frozenset[str] = frozenset()
    token_parameter: str = "max_tokens"
    extra: Mapping[str, Any] = field(default_factory=dict)
    context: int = 32000
    slots: int = 8
    rows_per_question: int = 25
    own_machine: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at an address. `kind` "local": a GGUF that we start ourselves, `path` where one was named; its
    `base_url` is empty until it runs (`dataclasses.replace(endpoint, base_url=…)`)."""

    model: str
    base_url: str
    profile: Profile = field(repr=False)
    key: str = field(default="", repr=False)
    kind: Literal["remote", "local"] = "remote"
    path: Path | None = None

    @property
    def shown_url(self) -> str:
        """The address without user, password and query: what may be printed and stored."""
        return public_url(self.base_url)

    @property
    def price(self) -> Price | None:
        """The model's price; None where it is not known, zero on the user's own machine."""
        if self.profile.own_machine:
            return Price(Decimal(0), Decimal(0), "")
        return self.profile.prices.get(self.model)

    def cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
        """US dollars for so many tokens, discounts for cached prompts left out; None where unpriced."""
        price = self.price
        if price is None:
            return None
        return (prompt_tokens * price.prompt + completion_tokens * price.completion) / 1_000_000

    def scrub(self, text: str) -> str:
        """The text without the key and without what looks like one."""
        if self.key:
            text = text.replace(self.key, "***")
        return re.sub(r"\b(sk|ak|key)-[\w*.-]{4,}", "***", text)


@cache
def profiles() -> Mapping[str, Profile]:
    """All profiles by name."""
    raw = tomllib.loads((files("extractor.llm") / "profiles.toml").read_text(encoding="utf-8"))
    return {name: _profile(name, row) for name, row in raw.items()}


def parse_spec(spec: str, env: Mapping[str, str]) -> Endpoint:
    """The endpoint that SPEC names: a profile, `MODEL@BASE_URL` or `local[:PATH.gguf]`.

    Errors: UsageError `no_key`, `bad_key`, `malformed_spec`, `unknown_profile`, `no_model`.
    """
    spec = spec.strip()
    if spec == "local" or spec.startswith("local:"):
        return _local(spec)
    if found := re.search(r"@https?:", spec):
        model, url = spec[: found.start()], spec[found.start() + 1 :]
        if not model.strip():
            raise _malformed(spec, "no model stands before the @")
        profile = _by_url(url, spec)
        return Endpoint(model.strip(), url, profile, _key(profile, url, env))
    if re.match(r"https?:", spec):
        raise _malformed(spec, "it names no model")
    known = profiles()
    if spec not in known or spec == "generic":
        if "@" in spec or "/" in spec or spec in ("", "generic"):
            raise _malformed(spec, "it has no address")
        close = difflib.get_close_matches(spec.lower(), known, n=2, cutoff=0.5)
        named = [name for name in known if name not in ("generic",)]
        raise UsageError(
            "unknown_profile",
            f"--model {_shown(spec)} is no profile.",
            f"Did you mean {' or '.join(close)}?" if close else f"Use one of {', '.join(named)}, or MODEL@BASE_URL.",
        )
    profile = known[spec]
    if not profile.model:
        raise UsageError("no_model", f"--model {spec} does not say which model.", f"Write MODEL@{profile.base_url}.")
    return Endpoint(profile.model, profile.base_url, profile, _key(profile, profile.base_url, env))


def public_url(url: str) -> str:
    """A URL without user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _profile(name: str, row: Mapping[str, Any]) -> Profile:
    values = dict(row)
    unknown = set(values["ladder"]) - set(get_args(Rung))
    if unknown:
        raise ValueError(f"profiles.toml: {name}: no such rung: {unknown}")
    values["ladder"] = tuple(values["ladder"])
    values["key_env"] = (OUR_KEY, *values["key_env"])
    values["hosts"] = tuple(values.get("hosts", ()))
    values["unsupported"] = frozenset(values.get("unsupported", ()))
    values["prices"] = {
        model: Price(Decimal(price["prompt"]), Decimal(price["completion"]), price["date"])
        for model, price in values.get("prices", {}).items()
    }
    return Profile(name=name, **values)


def _local(spec: str) -> Endpoint:
    _, colon, raw = spec.partition(":")
    if colon and not raw:
        raise _malformed(spec, "no file stands after the colon")
    path = Path(raw).expanduser() if raw else None
    profile = profiles()["local"]
    return Endpoint(path.stem if path else profile.model, "", profile, kind="local", path=path)


def _by_url(url: str, spec: str) -> Profile:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _malformed(spec, "its address cannot be read") from None
    if not host or re.search(r"\s", url):
        raise _malformed(spec, "its address has no host")
    address = f"[{host}]" if ":" in host else host
    wanted = {address, f"{address}:{port}"} if port else {address}
    found = (profile for profile in profiles().values() if wanted & set(profile.hosts))
    return next(found, profiles()["generic"])


def _key(profile: Profile, url: str, env: Mapping[str, str]) -> str:
    for name in profile.key_env:
        if key := env.get(name, "").strip():
            if not key.isascii() or not key.isprintable() or " " in key:
                raise UsageError(
                    "bad_key", f"{name} holds no key: only printable ASCII without spaces is one.", "Mend it."
                )
            return key
    if profile.needs_key:
        raise UsageError(
            "no_key",
            f"There is no key for {profile.name} ({public_url(url)}).",
            f"Set {' or '.join(profile.key_env)}, or run with --no-llm.",
        )
    return ""


def _malformed(spec: str, why: str) -> UsageError:
    return UsageError(
        "malformed_spec",
        f"--model {_shown(spec)} cannot be used: {why}.",
        "Write a profile's name, MODEL@BASE_URL (MODEL@http://host:port/v1) or local:PATH.gguf.",
    )


def _shown(spec: str) -> str:
    """A specification for a message; an address may hold a password and a mistyped one a key."""
    spec = re.sub(r"//[^/@\s]*@", "//***@", spec)
    spec = re.sub(r"\b(sk|ak|key)-[\w-]{8,}", "***", spec)
    return repr(re.sub(r"\?.*", "", spec)[:120])
