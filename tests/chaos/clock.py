"""The clock of a service under test, which can be set wrong and right again while it runs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


class Clock:
    """What programs started with `env` take for the time of day, by libfaketime; their monotonic clocks,
    which no one can set, stay as they are.

    Go programs ask the kernel themselves: rclone's S3 keeps the right time, as a storage elsewhere would.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        spec = find_spec("libfaketime")
        assert spec is not None
        assert spec.origin is not None
        library = Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
        self.env = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set_off(0)

    def set_off(self, seconds: int) -> None:
        """So far from the right time; later is more."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}")
        os.replace(fresh, self._file)  # it is read at every look at the clock: never half written
