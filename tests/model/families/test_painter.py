"""The text-to-image stage before a family whose own model begins with a picture."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from model.engine import Engine
from model.load import load_engine, verify
from model.parts import BrokenWeights
from tests import families
from tests.model.families.test_parts import cut_off, shard


@pytest.fixture(scope="module")
def folder(wan_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painting") / "wan"
    shutil.copytree(wan_folder, folder)
    families.z_image_pipeline().save_pretrained(folder / "text_to_image", max_shard_size=families.SHARD)
    return folder


@pytest.fixture(scope="module")
def painting(folder: Path) -> Engine:
    return load_engine("wan2.1-i2v-4step", folder, dtype=torch.float32)


def test_it_paints_and_repeats(painting: Engine) -> None:
    picture = painting.paint("a red circle", seed=3)
    assert (picture.shape, picture.dtype) == ((64, 64, 3), np.uint8)
    assert picture.std() > 2
    assert np.array_equal(picture, painting.paint("a red circle", seed=3))
    assert not np.array_equal(picture, painting.paint("a red circle", seed=4))
    assert not np.array_equal(picture, painting.paint("a blue square", seed=3))
    assert painting.paint("a red circle", seed=3, size=(64, 128)).shape == (64, 128, 3)


def test_it_stops_within_a_step(painting: Engine) -> None:
    asked = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise InterruptedError("stop")

    with pytest.raises(InterruptedError):
        painting.paint("a red circle", seed=3, check=check)
    assert len(asked) == 3 < painting.config.image_steps


def test_without_one_a_picture_is_asked_for(wan: Engine) -> None:
    with pytest.raises(ValueError, match="without a text-to-image model: give a picture"):
        wan.paint("a red circle", seed=3)


def test_a_broken_one_is_told(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    cut_off(shard(copy / "text_to_image" / "transformer"))
    with pytest.raises(BrokenWeights, match=r"text_to_image/transformer: .*bytes"):
        verify("wan2.1-i2v-4step", copy)
    with pytest.raises(BrokenWeights, match=r"text_to_image/transformer: .*bytes"):
        load_engine("wan2.1-i2v-4step", copy, device="cuda")
