"""A LoRA made one with the weights it was trained on: W + B A, so that it costs nothing when it serves."""

import logging
from pathlib import Path

import torch
from diffusers import ModelMixin
from safetensors.torch import load_file

from model.parts import BrokenWeights, read_header

log = logging.getLogger(__name__)


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


def _tell_of_what_is_left_out(file: Path) -> None:
    left = [
        name
        for name, value in load_file(file).items()
        if (("norm" in name and name.endswith(".diff_b")) or name.endswith(".diff"))
        and "head.head" not in name
        and value.any()
    ]
    if left:
        log.warning("%s: %d differences are not zero and left out: %s", file.name, len(left), left[:5])


@torch.no_grad()
def fuse(transformer: ModelMixin, file: Path) -> None:
    """Adds the file's LoRA to the transformer, each pair at the weight it names; the sum is made in float32.

    diffusers reads the names (its own, or those of the original repositories) and puts a pair's alpha into
    it. Raises BrokenWeights where a pair finds no weight of its shape, or not both of it are there. Whole
    differences of weights, which diffusers leaves out (those of norms: zeros in lightx2v's), are warned of.
    """
    from diffusers.loaders import WanLoraLoaderMixin

    try:
        pairs = WanLoraLoaderMixin.lora_state_dict(str(file.parent), weight_name=file.name)
    except (KeyError, ValueError) as error:
        raise BrokenWeights(file, [f"lora: {error}"]) from error
    _tell_of_what_is_left_out(file)
    pairs = {name.removeprefix("transformer."): value for name, value in pairs.items()}
    weights = dict(transformer.named_parameters())
    problems, sums = [], {}
    for name in {name.partition(".lora_")[0] for name in pairs}:
        down, up = pairs.pop(f"{name}.lora_A.weight", None), pairs.pop(f"{name}.lora_B.weight", None)
        weight = weights.get(f"{name}.weight")
        bias = pairs.pop(f"{name}.lora_B.bias", None)
        if bias is not None:
            sums[f"{name}.bias"] = bias
            if down is None and up is None:
                continue
        if down is None or up is None or weight is None:
            problems.append(f"lora: {name} is not a pair for one of the transformer's weights")
        elif weight.shape != (up.shape[0], down.shape[1]) or up.shape[1] != down.shape[0]:
            made = f"{list(up.shape)} by {list(down.shape)}"
            problems.append(f"lora: {name} is {made}, for a weight {list(weight.shape)}")
        else:
            sums[f"{name}.weight"] = up.float() @ down.float()
    problems += [f"lora: {name} is no part of a LoRA" for name in pairs]
    problems += [
        f"lora: the transformer has no {name} of its shape"
        for name, change in sums.items()
        if name not in weights or weights[name].shape != change.shape
    ]
    if problems or not sums:
        raise BrokenWeights(file, sorted(problems) or ["lora: it is empty"])
    for name, change in sums.items():
        weights[name].copy_(weights[name].float() + change)
