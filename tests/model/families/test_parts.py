"""Folders that are not what a model needs are refused by their headers, before a GPU is touched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.families.hunyuan import HunyuanFamily
from model.load import load_engine
from model.parts import BrokenWeights, problems


@pytest.fixture
def folder(hunyuan_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(hunyuan_folder, tmp_path / "copy")


def shard(part: Path) -> Path:
    return sorted(part.glob("*.safetensors"))[0]


def rewrite(part: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Changes the first shard's tensors, and the index with them."""
    file, (index,) = shard(part), part.glob("*.index.json")
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    told = json.loads(index.read_text())
    places = {name: place for name, place in told["weight_map"].items() if place != file.name}
    told["weight_map"] = places | dict.fromkeys(tensors, file.name)
    index.write_text(json.dumps(told))


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def first(tensors: dict[str, torch.Tensor]) -> str:
    return sorted(tensors)[0]


Break = Callable[[Path], object]
CHANGES: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "a missing tensor": (lambda t: t.pop(first(t)), r"are missing: \w"),
    "an unknown tensor": (lambda t: t.update(odd=torch.ones(1)), "are not the model's: odd"),
    "a wrong shape": (
        lambda t: t.update({first(t): torch.ones(3)}),
        r"have a wrong shape: .* is \[3\], not ",
    ),
}


def breaks(part: str) -> dict[str, tuple[Break, str]]:
    """What may be wrong with one of a folder's models, and what is then said."""
    found: dict[str, tuple[Break, str]] = {
        f"{part}: a file cut off": (lambda folder: cut_off(shard(folder / part)), f"{part}: .*bytes"),
    }
    for name, (change, told) in CHANGES.items():
        found[f"{part}: {name}"] = (
            lambda folder, change=change: rewrite(folder / part, change),
            f"{part}: 1 tensors {told}",
        )
    return found


BREAKS: dict[str, tuple[Break, str]] = {
    "a missing part": (lambda folder: shutil.rmtree(folder / "vae"), "vae: the folder is missing"),
    "a missing shard": (
        lambda folder: shard(folder / "transformer").unlink(),
        "transformer: .* is missing",
    ),
    "a missing configuration": (
        lambda folder: (folder / "text_encoder" / "config.json").unlink(),
        r"config\.json",
    ),
    **breaks("transformer"),
    **breaks("text_encoder"),
}


def test_a_sound_folder_has_no_problem(hunyuan_folder: Path) -> None:
    assert problems(hunyuan_folder, HunyuanFamily.PARTS) == []


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_told(folder: Path, name: str) -> None:
    broken, told = BREAKS[name]
    broken(folder)
    with pytest.raises(BrokenWeights, match=told) as raised:
        load_engine("hunyuan-i2v-33ch", folder, device="cuda")  # there is none: it is not asked for
    assert len(raised.value.problems) == 1


def test_a_preset_without_weights_and_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="never published"):
        load_engine("magic141")
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_engine("magic141", tmp_path / "nowhere")
