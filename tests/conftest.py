"""Property tests run the same examples every time, and no test measures time."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("gouji", deadline=None, derandomize=True, database=None)
settings.load_profile("gouji")
