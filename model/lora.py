"""A LoRA made one with the weights it was trained on: W + B A, so that it costs nothing when it serves."""

from pathlib import Path

import torch
from diffusers import ModelMixin

from model.parts import BrokenWeights, read_header


def file_in(folder: Path) -> Path:
    """The one file in `folder/lora`, whole. Raises BrokenWeights."""
    files = sorted((folder / "lora").glob("**/*.safetensors"))
    if len(files) != 1:
        raise BrokenWeights(folder, [f"lora: there must be one .safetensors file, not {len(files)}"])
    try:
        read_header(files[0])
    except ValueError as error:
        raise BrokenWeights(folder, [f"lora: {error}"]) from error
    return files[0]


@torch.no_grad()
def fuse(transformer: ModelMixin, file: Path) -> None:
    """Adds the file's LoRA to the transformer, each pair at the weight it names; the sum is made in float32.

    diffusers reads the names (its own, or those of the original repositories) and puts a pair's alpha into
    it. Raises BrokenWeights where a pair finds no weight of its shape, or not both of it are there.
    """
    from diffusers.loaders import WanLoraLoaderMixin

    pairs = WanLoraLoaderMixin.lora_state_dict(str(file.parent), weight_name=file.name)
    pairs = {name.removeprefix("transformer."): value for name, value in pairs.items()}
    weights = dict(transformer.named_parameters())
    problems, sums = [], {}
    for name in {name.partition(".lora_")[0] for name in pairs}:
        down, up = pairs.pop(f"{name}.lora_A.weight", None), pairs.pop(f"{name}.lora_B.weight", None)
        weight = weights.get(f"{name}.weight")
        if down is None or up is None or weight is None:
            problems.append(f"lora: {name} is not a pair for one of the transformer's weights")
        elif weight.shape != (up.shape[0], down.shape[1]) or up.shape[1] != down.shape[0]:
            made = f"{list(up.shape)} by {list(down.shape)}"
            problems.append(f"lora: {name} is {made}, for a weight {list(weight.shape)}")
        else:
            sums[f"{name}.weight"] = up.float() @ down.float()
        if (bias := pairs.pop(f"{name}.lora_B.bias", None)) is not None:
            sums[f"{name}.bias"] = bias
    problems += [f"lora: {name} is no part of a LoRA" for name in pairs]
    problems += [f"lora: the transformer has no {name}" for name in sums if name not in weights]
    if problems or not sums:
        raise BrokenWeights(file, sorted(problems) or ["lora: it is empty"])
    for name, change in sums.items():
        weights[name].copy_(weights[name].float() + change)
