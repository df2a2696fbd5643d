"""Property tests run the same examples every time, and no test measures time; faults of the reader that are known."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("gouji", deadline=None, derandomize=True, database=None)
settings.load_profile("gouji")

# What the reader does not do yet: a test's name, or what begins it → why. Each is strict: once it passes, its line
# here must go.
KNOWN_FAULTS: dict[str, str] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name, reason in KNOWN_FAULTS.items():
            if item.name == name:
                item.add_marker(pytest.mark.xfail(strict=True, reason=reason))
