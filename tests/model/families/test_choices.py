"""Precision and offloading by engine.json, on tiny weights of the real format."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model import choices
from model.config import EngineConfig
from model.engine import Engine
from model.fit import GIB, DoesNotFit, require
from model.geometry import Geometry
from model.load import config_of, load_engine, verify
from model.parts import BrokenWeights
from model.presets import PRESETS
from model.quantize import CannotRun, held_bytes, store
from model.windows import Shot
from tests import families
from tests.model.families.conftest import PICTURE
from worker.room import visiting_bytes

NAMES = {
    "magic141": "hunyuan_folder",
    "wan2.1-i2v-4step": "wan_folder",
    "helios-distilled": "helios_folder",
}
Chosen = Callable[..., Path]


@pytest.fixture
def chosen(tmp_path: Path) -> Chosen:
    """`chosen(folder, without=part, **changes)`: the same weights under another engine.json."""

    def make(folder: Path, *, without: str | None = None, **changes: object) -> Path:
        other = tmp_path / f"weights-{len(list(tmp_path.iterdir()))}"
        other.mkdir()
        for part in folder.iterdir():
            if part.is_dir() and part.name != without:
                (other / part.name).symlink_to(part)
        replace(EngineConfig.load(folder), **changes).save(other)
        return other

    return make


def frames(engine: Engine) -> np.ndarray:
    """Of two windows."""
    count = engine.config.window_frames + 3
    windows = engine.generate([Shot("a red circle", 9.0)], PICTURE, num_frames=count, seed=1)
    return np.concatenate([window.frames for window in windows])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_offloaded_makes_the_same_frames(
    name: str, chosen: Chosen, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(NAMES[name])
    whole = load_engine(name, folder, dtype=torch.float32)
    for offload in ("encoders", "blocks"):
        engine = load_engine(name, chosen(folder, offload=offload), dtype=torch.float32)
        assert all(next(module.parameters()).is_meta for module in engine.family.encoders)
        assert hasattr(engine.transformer, "_diffusers_hook") is (offload == "blocks")
        assert engine.describe()["offload"] == offload
        assert np.array_equal(frames(engine), frames(whole))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", [None, "int8", "fp8"])
def test_so_it_does_on_a_gpu(precision: str | None, hunyuan_folder: Path, chosen: Chosen) -> None:
    if precision == "fp8" and torch.cuda.get_device_capability() < (8, 9):
        pytest.skip("needs compute capability 8.9")
    made = []
    for offload in choices.OFFLOADS:
        folder = chosen(hunyuan_folder, precision=precision, offload=offload)
        engine = load_engine("magic141", folder, device="cuda")
        assert engine.device.type == "cuda"
        made.append(frames(engine))
    for other in made[1:]:
        assert np.abs(other.astype(int) - made[0]).mean() < 1


def test_text_to_image_waits_with_the_encoders(
    hunyuan_folder: Path, chosen: Chosen, tmp_path: Path
) -> None:
    for offload in ("none", "encoders"):
        folder = chosen(hunyuan_folder, offload=offload)
        families.z_image_pipeline().save_pretrained(folder / "text_to_image")
        engine = load_engine("magic141", folder, dtype=torch.float32)
        assert next(engine.painter.pipe.transformer.parameters()).is_meta is (offload == "encoders")
        picture = engine.paint("a red circle", seed=3)
        (tmp_path / offload).write_bytes(picture.tobytes())
    assert (tmp_path / "none").read_bytes() == (tmp_path / "encoders").read_bytes()


@pytest.mark.parametrize("precision", ["int8", "fp8-weight"])
def test_weights_made_smaller_at_load_are_those_that_were_stored_so(
    precision: str, hunyuan_folder: Path, chosen: Chosen
) -> None:
    stored = chosen(hunyuan_folder, without="transformer")
    store(hunyuan_folder / "transformer", stored / "transformer", precision)
    said = chosen(stored, precision=precision)
    made = chosen(hunyuan_folder, precision=precision, offload="blocks")
    engines = [load_engine("magic141", folder, dtype=torch.bfloat16) for folder in (stored, said, made)]
    for engine in engines:
        told = engine.describe()
        assert told["precision"] == precision
        assert told["quantised"] == {"int8": "Int8WeightOnlyConfig", "fp8-weight": "Float8WeightOnlyConfig"}[
            precision
        ]
        assert np.array_equal(frames(engine), frames(engines[0]))
    whole = load_engine("magic141", hunyuan_folder, dtype=torch.bfloat16)
    assert whole.describe()["precision"] == "bf16"
    assert whole.describe()["quantised"] is None
    assert held_bytes(engines[2].transformer) < 0.7 * held_bytes(whole.transformer)
    assert not np.array_equal(frames(whole), frames(engines[0]))


def test_another_family_is_made_smaller_after_its_lora_was_fused(wan_folder: Path, chosen: Chosen) -> None:
    whole = load_engine("wan2.1-i2v-4step", wan_folder, dtype=torch.bfloat16)
    small = load_engine("wan2.1-i2v-4step", chosen(wan_folder, precision="int8"), dtype=torch.bfloat16)
    assert held_bytes(small.transformer) < 0.8 * held_bytes(whole.transformer)
    kept = small.transformer.condition_embedder.time_embedder.linear_1.weight
    assert (kept.dtype, type(kept)) == (torch.float32, torch.nn.Parameter)  # its pipeline asks for this dtype
    assert frames(small).shape == frames(whole).shape


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"precision": "int3"}, r"precision must be one of bf16, fp8, .*, not 'int3'"),
        ({"offload": "disk"}, r"offload must be one of none, encoders, blocks, not 'disk'"),
        ({"offload": "blocks", "compiled": True}, "can't be compiled; choose one"),
        ({"offload": "blocks", "precision": "int4"}, "precision int4: such weights can't be pinned"),
    ],
)
def test_choices_that_nobody_can_have(
    hunyuan_folder: Path, chosen: Chosen, changes: dict[str, object], told: str
) -> None:
    folder = chosen(hunyuan_folder, **changes)
    with pytest.raises(BrokenWeights, match=f"engine.json: .*{told}"):
        load_engine("magic141", folder)
    with pytest.raises(BrokenWeights, match=f"engine.json: .*{told}"):
        verify("magic141", folder)


def test_stored_weights_are_what_they_are(hunyuan_folder: Path, chosen: Chosen) -> None:
    stored = chosen(hunyuan_folder, without="transformer")
    store(hunyuan_folder / "transformer", stored / "transformer", "int8")
    for precision in ("bf16", "fp8-weight"):
        with pytest.raises(BrokenWeights, match=f"precision {precision}: .* stored in int8"):
            load_engine("magic141", chosen(stored, precision=precision))
    assert "precision int8; offload none" in verify("magic141", stored)


@pytest.mark.parametrize("precision", ["fp8", "int4"])
def test_a_precision_for_other_hardware_is_told_of_before_a_weight_is_read(
    hunyuan_folder: Path, chosen: Chosen, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = chosen(hunyuan_folder, precision=precision)
    monkeypatch.delattr("model.load.load_parts")
    with pytest.raises(CannotRun, match=f"{precision} needs a CUDA device .* and this is a cpu"):
        load_engine("magic141", folder, device="cpu")


def test_a_name_that_means_nothing_is_refused(hunyuan_folder: Path, chosen: Chosen) -> None:
    folder = chosen(hunyuan_folder)
    file = folder / "engine.json"
    file.write_text(file.read_text().replace('"precision"', '"precission"'))
    with pytest.raises(ValueError, match=r"engine\.json: nothing is called precission"):
        load_engine("magic141", folder)


def test_what_is_not_chosen_is_the_presets(hunyuan_folder: Path, chosen: Chosen) -> None:
    folder = chosen(hunyuan_folder)
    (folder / "engine.json").write_text('{"precision": "int8"}')
    preset = PRESETS["magic141"]
    assert config_of(preset, folder) == replace(preset.config, precision="int8")
    assert "precision int8 (made when it is loaded); offload none" in verify("magic141", folder)


def test_what_a_window_takes_follows_the_choices(hunyuan_folder: Path, chosen: Chosen) -> None:
    """The tiny weights, in a picture so large that a few MB of them can be told from rounding."""
    taken = {}
    for name, changes in {
        "none": {},
        "encoders": {"offload": "encoders"},
        "blocks": {"offload": "blocks"},
        "int8": {"precision": "int8"},
        "large": {"height": 544, "width": 960},
    }.items():
        folder = chosen(hunyuan_folder, **changes)
        taken[name] = choices.wanted(EngineConfig.load(folder), folder)
    engine = load_engine("magic141", hunyuan_folder, dtype=torch.bfloat16, device="cpu")
    encoders = sum(held_bytes(module) for module in engine.family.encoders)
    assert taken["none"].encoders == pytest.approx(encoders, rel=0.05)
    assert taken["encoders"].encoders == taken["blocks"].encoders == 0
    assert taken["none"].transformer == held_bytes(engine.transformer)
    assert taken["int8"].transformer < taken["none"].transformer
    assert taken["blocks"].transformer == taken["none"].transformer * 2 // 3
    assert taken["large"].total > taken["none"].total
    blocks = visiting_bytes(engine.transformer)
    assert taken["none"].transformer / 2 < blocks < taken["none"].transformer
    with pytest.raises(DoesNotFit):
        require(taken["none"], GIB)
    assert Geometry.of(engine.transformer.config).blocks == 3


def test_verify_tells_of_them(hunyuan_folder: Path, wan_folder: Path, chosen: Chosen) -> None:
    told = verify("magic141", chosen(hunyuan_folder, precision="fp8", offload="encoders"))
    assert "precision fp8 (made when it is loaded), which needs CUDA 8.9 or newer; offload encoders" in told
    assert "a window of 64x64 takes" in told
    assert "takes" not in verify("wan2.1-i2v-4step", wan_folder)
