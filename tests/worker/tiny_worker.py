"""A whole worker process around the tiny engine. Arguments: name, seconds of one of a window's four steps."""

from __future__ import annotations

import logging
import sys

from tests.worker.tiny_engine import TinyEngine
from worker.contract.settings import Settings
from worker.serve import serve

if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s %(message)s")
    serve(TinyEngine(step_seconds=float(sys.argv[2])), Settings.load(), sys.argv[1])
