"""Tiny weights of each family, made once a session, and an engine that loaded them from their folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.engine import Engine
from model.load import load_engine
from model.presets import PRESETS
from tests import families

HEIGHT, WIDTH = 64, 64
PICTURE = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """So small products are not worth a second thread, which on a busy machine waits for its turn."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def hunyuan_pipe():
    return families.hunyuan_pipeline()


@pytest.fixture(scope="session")
def hunyuan_folder(hunyuan_pipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = replace(
        PRESETS["hunyuan-i2v-33ch"].config, height=HEIGHT, width=WIDTH, new_latents=2, video_steps=2
    )
    return families.save(hunyuan_pipe, tmp_path_factory.mktemp("hunyuan"), config)


@pytest.fixture(scope="session")
def wan_pipe():
    return families.wan_pipeline()


@pytest.fixture(scope="session")
def wan_folder(wan_pipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = replace(PRESETS["wan2.1-i2v-4step"].config, height=HEIGHT, width=WIDTH, new_latents=2)
    folder = families.save(wan_pipe, tmp_path_factory.mktemp("wan"), config)
    families.wan_lora(wan_pipe.transformer, folder / "lora" / "four_steps.safetensors")
    return folder


@pytest.fixture(scope="session")
def wan(wan_folder: Path) -> Engine:
    return load_engine("wan2.1-i2v-4step", wan_folder, dtype=torch.float32)


@pytest.fixture(scope="session")
def helios_pipe():
    return families.helios_pipeline()


@pytest.fixture(scope="session")
def helios_folder(helios_pipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = replace(PRESETS["helios-distilled"].config, height=HEIGHT, width=WIDTH)
    return families.save(helios_pipe, tmp_path_factory.mktemp("helios"), config)


@pytest.fixture(scope="session")
def helios(helios_folder: Path) -> Engine:
    return load_engine("helios-distilled", helios_folder, dtype=torch.float32)


@pytest.fixture(scope="session")
def hunyuan(hunyuan_folder: Path) -> Engine:
    return load_engine("hunyuan-i2v-33ch", hunyuan_folder, dtype=torch.float32)
