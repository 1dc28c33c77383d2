"""`magic141 models`: what it says of a folder, and what it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.families import hunyuan_transformer
from tests.model.families.conftest import hunyuan_folder, hunyuan_pipe, one_thread
from tests.model.families.test_convert import original
from tests.model.families.test_parts import shard
from worker.cli import main

SHARED = (hunyuan_folder, hunyuan_pipe, one_thread)


def test_list_says_what_the_licences_exclude(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    told = capsys.readouterr().out
    assert "no use in the European Union, the United Kingdom or South Korea" in told
    assert "hunyuanvideo-community/HunyuanVideo-I2V-33ch" in told


def test_a_converted_checkpoint_is_verified(
    hunyuan_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(2)
    torch.save(original(hunyuan_transformer()), tmp_path / "magic.pt")
    folder = tmp_path / "weights"
    assert main(["models", "convert", str(tmp_path / "magic.pt"), str(folder)]) == 0
    assert main(["models", "verify", "magic141", str(folder)]) == 1
    told = capsys.readouterr().err
    assert "vae: the folder is missing" in told
    assert "transformer:" not in told
    for part in hunyuan_folder.iterdir():
        if part.is_dir() and part.name != "transformer":
            (folder / part.name).symlink_to(part)
    assert main(["models", "verify", "magic141", str(folder)]) == 0
    file = shard(folder / "transformer")
    file.write_bytes(file.read_bytes()[:-1])
    assert main(["models", "verify", "magic141", str(folder)]) == 1
    assert "transformer: diffusion_pytorch_model.safetensors has" in capsys.readouterr().err
