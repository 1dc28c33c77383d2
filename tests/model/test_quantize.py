"""Each precision on a small DiT: how near it stays, what it weighs, that it is stored as it is."""

from pathlib import Path

import pytest
import torch
from diffusers import HunyuanVideoTransformer3DModel

from model.fit import WEIGHT_BYTES, weights_bytes
from model.geometry import Geometry
from model.prune import without
from model.quantize import PRECISIONS, CannotRun, check, held_bytes, quantize, store
from tests.model.dits import build_dit, given

BF16 = torch.bfloat16
# What the output may be off by, of its norm: twice of what was seen. bfloat16 itself against float32: 0.004.
BOUNDS = {"int8": 0.02, "int8-dynamic": 0.03, "fp8-weight": 0.06}
ON_GPUS = {"fp8": "8.9", "int4": "8.0"}
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def wide_dit() -> HunyuanVideoTransformer3DModel:
    return build_dit(2, 64)


def off(transformer: torch.nn.Module, device: str = "cpu") -> float:
    """From what the same weights give in float32, relative."""
    inputs = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in given(dtype=BF16).items()}
    exact = {
        k: v.float() if k != "encoder_attention_mask" and k != "return_dict" else v for k, v in inputs.items()
    }
    with torch.inference_mode():
        wanted = wide_dit().to(device)(**exact)[0]
        return float((transformer(**inputs)[0].float() - wanted).norm() / wanted.norm())


def test_every_precision_has_its_arithmetic_and_its_test() -> None:
    assert {"bf16", *PRECISIONS} == set(WEIGHT_BYTES) == {"bf16", *BOUNDS, *ON_GPUS}


@pytest.mark.parametrize("precision", BOUNDS)
def test_precisions_that_run_anywhere(precision: str, tmp_path: Path) -> None:
    whole = wide_dit().to(BF16)
    assert off(whole) < 0.01
    whole.save_pretrained(tmp_path / "whole")
    store(tmp_path / "whole", tmp_path / "small", precision)
    loaded = HunyuanVideoTransformer3DModel.from_pretrained(tmp_path / "small", torch_dtype=BF16)
    assert 0.001 < off(loaded) < BOUNDS[precision]
    made = quantize(wide_dit().to(BF16), precision)
    with torch.inference_mode():
        assert torch.equal(made(**given(dtype=BF16))[0], loaded(**given(dtype=BF16))[0])
    geometry = Geometry.of(loaded.config)
    assert held_bytes(loaded) == pytest.approx(weights_bytes(geometry, precision), rel=0.01)
    assert held_bytes(whole) == weights_bytes(geometry, "bf16")
    sizes = [
        sum(file.stat().st_size for file in (tmp_path / name).glob("*.safetensors"))
        for name in ("small", "whole")
    ]
    assert sizes[0] < 0.56 * sizes[1]


@pytest.mark.parametrize(("precision", "capability"), ON_GPUS.items())
def test_what_this_machine_can_not_run_is_said(precision: str, capability: str) -> None:
    with pytest.raises(
        CannotRun, match=rf"{precision} needs a CUDA device .* {capability} or newer, and this is a cpu"
    ):
        quantize(wide_dit().to(BF16), precision)


def test_a_card_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A Card")
    with pytest.raises(CannotRun, match=r"8\.9 or newer, and A Card has 8\.6"):
        check("fp8", torch.device("cuda"))
    check("int4", torch.device("cuda"))


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one of bf16, fp8, .*, not 'int3'"):
        check("int3", torch.device("cpu"))


def test_fewer_blocks_and_fewer_bits_go_together() -> None:
    pruned = without(wide_dit().to(BF16), [0])
    geometry = Geometry.of(pruned.config)
    assert geometry.num_single_layers == 1
    assert held_bytes(quantize(pruned, "int8")) == pytest.approx(weights_bytes(geometry, "int8"), rel=0.01)


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize("precision", ON_GPUS)
def test_precisions_of_gpus(precision: str) -> None:
    made = quantize(wide_dit().to(BF16).cuda(), precision)
    assert 0.001 < off(made, "cuda") < {"fp8": 0.1, "int4": 0.2}[precision]
