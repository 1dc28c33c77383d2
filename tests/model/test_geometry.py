import pytest
import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from model.geometry import Geometry
from model.load import folder_of
from tests.model.dits import build_dit, given


def test_the_real_model_has_as_many_parameters_as_it_says() -> None:
    with torch.device("meta"):
        real = HunyuanVideoTransformer3DModel(
            in_channels=33, guidance_embeds=False, image_condition_type="latent_concat"
        )
    assert sum(weight.numel() for weight in real.parameters()) == Geometry().parameters == 12_810_991_680
    linear = [module for module in real.modules() if isinstance(module, torch.nn.Linear)]
    assert sum(module.weight.numel() for module in linear) == Geometry().linear_weights
    assert sum(module.out_features for module in linear) == Geometry().linear_rows
    assert Geometry.of(real.config) == Geometry()


@pytest.mark.parametrize("guided", [False, True])
def test_so_have_small_ones(guided: bool) -> None:
    small = build_dit(guidance_embeds=guided, num_refiner_layers=2, mlp_ratio=3.0)
    assert Geometry.of(small.config).parameters == sum(weight.numel() for weight in small.parameters())
    mini = HunyuanVideoTransformer3DModel.load_config(folder_of("mini") / "transformer")
    assert 0 < Geometry.of(mini).parameters < 30e6


def test_flops_are_those_that_torch_counts() -> None:
    small = build_dit()
    with FlopCounterMode(display=False) as counted, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        small(**given((3, 32, 32), [9]))
    video = Geometry.of(small.config).video_tokens(3, 32, 32)
    assert video == 768
    said = Geometry.of(small.config).forward_flops(video, 9)
    # What is left out is once a forward, and a forward this small shows it.
    assert said < counted.get_total_flops() < 1.01 * said


def test_the_cost_of_the_papers_shapes() -> None:
    """960x544: 3.85 PFLOP for 121 frames, 2.99 of them attention; 1.97 for 81."""
    real = Geometry()
    long, short = (real.video_tokens(latents, 68, 120) for latents in (31, 21))
    assert long == 63_240
    assert real.forward_flops(long, 402) == pytest.approx(3.85e15, rel=0.01)
    assert real.attention_flops(long + 402) == pytest.approx(2.99e15, rel=0.01)
    assert real.forward_flops(short, 402) == pytest.approx(1.97e15, rel=0.01)
    half = real.forward_flops(long, 402, density=0.5)
    assert real.forward_flops(long, 402) - half == pytest.approx(real.attention_flops(long + 402) / 2)
