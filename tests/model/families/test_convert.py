"""From the original repository's key names to diffusers' and back again: not a weight is lost or moved."""

from pathlib import Path

import pytest
import torch
from diffusers import HunyuanVideoTransformer3DModel
from diffusers.loaders.single_file_utils import convert_hunyuan_video_transformer_to_diffusers
from safetensors.torch import save_file
from torch import Tensor

from model.convert import _single_blocks, convert, converted
from model.parts import BrokenWeights
from tests.families import hunyuan_transformer

PLAIN = {
    "x_embedder.": "img_in.",
    "time_text_embed.timestep_embedder.linear_1.": "time_in.mlp.0.",
    "time_text_embed.timestep_embedder.linear_2.": "time_in.mlp.2.",
    "time_text_embed.text_embedder.linear_1.": "vector_in.in_layer.",
    "time_text_embed.text_embedder.linear_2.": "vector_in.out_layer.",
    "context_embedder.time_text_embed.timestep_embedder.linear_1.": "txt_in.t_embedder.mlp.0.",
    "context_embedder.time_text_embed.timestep_embedder.linear_2.": "txt_in.t_embedder.mlp.2.",
    "context_embedder.time_text_embed.text_embedder.": "txt_in.c_embedder.",
    "context_embedder.proj_in.": "txt_in.input_embedder.",
    "proj_out.": "final_layer.linear.",
}
DOUBLE = {
    "norm1.linear": "img_mod.linear",
    "norm1_context.linear": "txt_mod.linear",
    "attn.norm_q": "img_attn_q_norm",
    "attn.norm_k": "img_attn_k_norm",
    "attn.norm_added_q": "txt_attn_q_norm",
    "attn.norm_added_k": "txt_attn_k_norm",
    "attn.to_out.0": "img_attn_proj",
    "attn.to_add_out": "txt_attn_proj",
    "ff.net.0.proj": "img_mlp.fc1",
    "ff.net.2": "img_mlp.fc2",
    "ff_context.net.0.proj": "txt_mlp.fc1",
    "ff_context.net.2": "txt_mlp.fc2",
}
SINGLE = {
    "norm.linear": "modulation.linear",
    "attn.norm_q": "q_norm",
    "attn.norm_k": "k_norm",
    "proj_out": "linear2",
}
REFINER = {
    "norm1": "norm1",
    "norm2": "norm2",
    "norm_out.linear": "adaLN_modulation.1",
    "attn.to_out.0": "self_attn_proj",
    "ff.net.0.proj": "mlp.fc1",
    "ff.net.2": "mlp.fc2",
}


def original(model: HunyuanVideoTransformer3DModel) -> dict[str, Tensor]:
    """The weights under the names, and fused, as the original repository's code stores them (hyvideo's
    models.py: double_blocks, single_blocks, txt_in.individual_token_refiner)."""
    state = dict(model.state_dict())
    made: dict[str, Tensor] = {}
    for theirs, ours in sorted(PLAIN.items(), key=lambda pair: -len(pair[0])):
        for name in [name for name in state if name.startswith(theirs)]:
            made[ours + name.removeprefix(theirs)] = state.pop(name)
    for kind in ("weight", "bias"):
        scale, shift = state.pop(f"norm_out.linear.{kind}").chunk(2)
        made[f"final_layer.adaLN_modulation.1.{kind}"] = torch.cat([shift, scale])

    def block(theirs: str, ours: str, names: dict[str, str], fused: dict[str, tuple[str, ...]]) -> None:
        for kind in ("weight", "bias"):
            for their, our in names.items():
                if f"{theirs}.{their}.{kind}" in state:
                    made[f"{ours}.{our}.{kind}"] = state.pop(f"{theirs}.{their}.{kind}")
            for our, parts in fused.items():
                made[f"{ours}.{our}.{kind}"] = torch.cat([state.pop(f"{theirs}.{p}.{kind}") for p in parts])

    own, added = ("attn.to_q", "attn.to_k", "attn.to_v"), ("add_q_proj", "add_k_proj", "add_v_proj")
    both = {"img_attn_qkv": own, "txt_attn_qkv": tuple(f"attn.{name}" for name in added)}
    for index in range(model.config.num_layers):
        block(f"transformer_blocks.{index}", f"double_blocks.{index}", DOUBLE, both)
    for index in range(model.config.num_single_layers):
        fused = {"linear1": (*own, "proj_mlp")}
        block(f"single_transformer_blocks.{index}", f"single_blocks.{index}", SINGLE, fused)
    for index in range(model.config.num_refiner_layers):
        theirs = f"context_embedder.token_refiner.refiner_blocks.{index}"
        ours = f"txt_in.individual_token_refiner.blocks.{index}"
        block(theirs, ours, REFINER, {"self_attn_qkv": own})
    assert not state, sorted(state)
    return made


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(1)
    model = hunyuan_transformer()
    checkpoint = original(model)
    assert {"double_blocks.0.img_attn_qkv.weight", "single_blocks.1.linear1.weight"} < set(checkpoint)
    source = tmp_path / f"model.{kind}"
    if kind == "pt":
        torch.save({"module": checkpoint}, source)
    else:
        save_file(checkpoint, source)
    convert(source, tmp_path)
    back = HunyuanVideoTransformer3DModel.from_pretrained(tmp_path / "transformer")
    assert dict(back.config)["image_condition_type"] == "latent_concat"
    assert list(back.config["rope_axes_dim"]) == list(model.config["rope_axes_dim"])
    for key in ("num_layers", "num_single_layers", "mlp_ratio", "in_channels"):
        assert back.config[key] == model.config[key], key
    assert set(back.state_dict()) == set(model.state_dict())
    for name, value in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], value), name


def test_the_split_is_diffusers_own_at_the_size_it_knows() -> None:
    def fused() -> dict[str, Tensor]:
        rows = torch.arange(3 * 3072 + 20).float()
        return {
            "single_blocks.7.linear1.weight": rows[:, None].repeat(1, 2),
            "single_blocks.7.linear1.bias": rows,
        }

    theirs = convert_hunyuan_video_transformer_to_diffusers(fused())
    ours = _single_blocks(fused(), 3072)
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_nothing_is_left_over_or_made_up() -> None:
    torch.manual_seed(1)
    whole = original(hunyuan_transformer())
    for change, told in (
        (lambda c: c.pop("double_blocks.0.txt_mlp.fc2.bias"), "missing: transformer_blocks.0.ff_context"),
        (lambda c: c.update(odd=torch.ones(1)), "not the model's: odd"),
        (lambda c: c.pop("img_in.proj.weight"), "no HunyuanVideo checkpoint"),
    ):
        checkpoint = dict(whole)
        change(checkpoint)
        with pytest.raises(BrokenWeights, match=told):
            converted(checkpoint, Path("model.pt"))
