import json
from pathlib import Path

import pytest

from model.load import load_engine


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no model 'nope'"):
        load_engine("nope")


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "engine.json").write_text(json.dumps({"name": "broken"}))
    with pytest.raises(OSError, match="transformer"):
        load_engine(tmp_path)
