import importlib.util
import json
from pathlib import Path

import pytest

from model.load import load_engine
from model.parts import BrokenWeights


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no model 'nope'"):
        load_engine("nope")


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "engine.json").write_text(json.dumps({"name": "broken"}))
    with pytest.raises(BrokenWeights, match="transformer: the folder is missing"):
        load_engine(tmp_path)


def test_int8_weights_ask_for_their_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine.json").write_text(json.dumps({"name": "small"}))
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "config.json").write_text('{"quantization_config": {}}')
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"need torchao and accelerate: pip install 'magic141\[int8\]'"):
        load_engine(tmp_path)
