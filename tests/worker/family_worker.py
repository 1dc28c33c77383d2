"""The real worker process, that reads the windows of its tiny weights into the table the API plans by."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from model.config import EngineConfig
from worker.contract.models import MODELS
from worker.contract.settings import Settings
from worker.main import main

if __name__ == "__main__":
    settings = Settings.load()
    frames = EngineConfig.load(Path(str(settings.model_path))).window_frames
    MODELS[settings.model] = replace(
        MODELS[settings.model], first_window_frames=frames + 1, window_frames=frames
    )
    sys.exit(main())
