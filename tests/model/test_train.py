"""The whole training chain at its smallest, from nothing to an engine; it learns nothing, but every part is
the real one."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from model.load import load_engine
from model.windows import Shot

pytestmark = pytest.mark.timeout(900)  # on a machine that is busy with other things


def train(stage: str, out: Path, *more: str) -> str:
    argv = [sys.executable, "-m", "model.train", stage, "--scale", "smoke", "--out", str(out)]
    argv += ["--snapshots", "3", *more]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("chain")
    said = train("all", out)
    for stage in ("autoencoder", "words", "teacher", "student", "pruned"):
        assert f"{stage}: 100%" in said
    return out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["teacher", "student", "int8", "int8-dynamic", "pruned"])
def test_every_engine_of_the_chain_generates(chain: Path, name: str) -> None:
    engine = load_engine(chain / name)
    picture = engine.paint("a red circle", seed=1)
    windows = list(engine.generate([Shot("pan left", 1.0)], picture, num_frames=26, seed=1))
    assert [len(window.frames) for window in windows] == [25, 1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["teacher", "teacher/step-3", "student", "int8", "pruned"])
def test_what_a_training_makes_can_be_looked_at(chain: Path, name: str) -> None:
    with Image.open(chain / name / "strip.png") as strip:
        assert strip.size == (7 * 256, 256)


@pytest.mark.slow
def test_curves_are_numbers(chain: Path) -> None:
    for name in ("words", "teacher", "student", "pruned"):
        header, *rows = csv.reader((chain / name / "curve.csv").read_text().splitlines())
        assert header[:3] == ["step", "minutes", "lr"]
        assert len(header) > 3
        assert rows
        assert all(np.isfinite(float(value)) for row in rows for value in row)


@pytest.mark.slow
def test_a_finished_stage_has_nothing_left_to_do(chain: Path) -> None:
    assert "6/6" in train("teacher", chain)
    assert "4/4" in train("student", chain)
    assert "3/3" in train("words", chain)


@pytest.mark.slow
def test_all_goes_on_from_the_first_stage_that_is_not_finished(chain: Path, tmp_path: Path) -> None:
    """As after a kill while the student learned: what was done is not done again, and the student begins at
    its checkpoint."""
    out = shutil.copytree(chain, tmp_path / "chain")
    (out / "student" / "engine.json").unlink()
    before = {path: path.read_bytes() for path in out.rglob("*.safetensors") if "student" not in path.parts}
    said = train("all", out)
    assert "4/4" in said
    assert "student:   0%" not in said
    assert not any(stage in said for stage in ("autoencoder:", "words:", "teacher:", "pruned:"))
    assert (out / "student" / "engine.json").exists()
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.slow
def test_the_words_stay_as_they_were_learned(chain: Path) -> None:
    def text(folder: str) -> dict[str, torch.Tensor]:
        return load_file(chain / folder / "text_encoder" / "model.safetensors")

    learned = text("words")
    for engine in ("teacher", "student"):
        for name, weight in text(engine).items():
            assert torch.equal(weight, learned[name].to(torch.bfloat16)), (engine, name)


@pytest.mark.slow
def test_what_a_sparsified_engine_stores(chain: Path) -> None:
    def size(name: str) -> int:
        return (chain / name / "transformer" / "diffusion_pytorch_model.safetensors").stat().st_size

    def config(name: str) -> dict:
        return json.loads((chain / name / "transformer" / "config.json").read_text())

    # Half, but for scales, biases and norms; two thirds, but for what is no block. Both weigh more in a DiT
    # as small as this one.
    assert size("int8") < 0.65 * size("student")
    assert size("int8-dynamic") < 0.65 * size("student")
    assert size("pruned") < 0.9 * size("student")
    assert config("student")["num_single_layers"] == 2
    assert config("pruned")["num_single_layers"] == 1
    assert load_engine(chain / "int8").describe()["quantised"] == "Int8WeightOnlyConfig"
    assert load_engine(chain / "student").describe()["quantised"] is None


@pytest.mark.slow
def test_the_student_is_half_of_what_it_learned(chain: Path) -> None:
    def weights(name: str) -> dict[str, torch.Tensor]:
        found = load_file(chain / name / "transformer" / "diffusion_pytorch_model.safetensors")
        return {key: value.float() for key, value in found.items()}

    before, whole, left = weights("teacher"), weights("student/whole"), weights("student")
    assert any((whole[key] - before[key]).abs().max() > 1e-4 for key in whole)
    for key in whole:
        torch.testing.assert_close(left[key], (before[key] + whole[key]) / 2, rtol=0.01, atol=1e-4)


@pytest.mark.slow
def test_the_student_samples_in_few_steps_without_guidance(chain: Path) -> None:
    told = load_engine(chain / "student").describe()
    assert (told["video_steps"], told["image_steps"], told["image_guidance"]) == (4, 4, 1.0)
