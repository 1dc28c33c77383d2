"""Weights of fewer bits, by torchao. Quantised once and stored so: what they are is told by the transformer's
config.json, which diffusers reads.

| precision | what | runs on |
|---|---|---|
| bf16 | as trained | anything |
| fp8 | weights and, token by token, activations in e4m3: float8 matrix products | CUDA 8.9 and newer |
| fp8-weight | weights in e4m3, products in bfloat16 | anything |
| int8 | weights, a scale a row (the paper's): products in bfloat16 | anything |
| int8-dynamic | weights and, token by token, activations: int8 products | anything |
| int4 | weights, 128 share a scale and a zero: products in bfloat16 | CUDA 8.0 and newer |

Fewer blocks instead of fewer bits: model.prune; both go together.
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import HunyuanVideoTransformer3DModel, TorchAoConfig
from torch import nn

if TYPE_CHECKING:
    from torchao.core.config import AOBaseConfig


class CannotRun(RuntimeError):
    """This precision's arithmetic isn't on this hardware, or its libraries aren't installed."""


@dataclass(frozen=True)
class Precision:
    """`config` makes torchao's. `capability`: the least of a CUDA device; None where any device will do."""

    config: "_TorchAo"
    capability: tuple[int, int] | None = None
    least_width: int = 1  # of a layer's inputs


@dataclass(frozen=True)
class _TorchAo:
    """`name` is its class, which a stored checkpoint's config.json tells."""

    name: str
    options: dict[str, Any]

    def __call__(self) -> "AOBaseConfig":
        # Late, as it is slow to import and not installed with every engine.
        from torchao import quantization

        options = dict(self.options)
        if options.get("granularity") == "row":
            options["granularity"] = quantization.PerRow()
        # torchao would set torch's compiler, for the whole process, to try many variants of every kernel.
        return getattr(quantization, self.name)(**options, set_inductor_config=False)


def _torchao(name: str, **options: Any) -> _TorchAo:
    return _TorchAo(name, options)


PRECISIONS: dict[str, Precision] = {
    "fp8": Precision(_torchao("Float8DynamicActivationFloat8WeightConfig", granularity="row"), (8, 9)),
    "fp8-weight": Precision(_torchao("Float8WeightOnlyConfig")),
    "int8": Precision(_torchao("Int8WeightOnlyConfig")),
    "int8-dynamic": Precision(_torchao("Int8DynamicActivationInt8WeightConfig")),
    # This packing needs torch alone; torchao's default asks for a library of its own.
    "int4": Precision(
        _torchao("Int4WeightOnlyConfig", group_size=128, int4_packing_format="tile_packed_to_4d"), (8, 0), 128
    ),
}
"""All but bf16, by the names of model.fit.WEIGHT_BYTES."""


def check(precision: str, device: torch.device) -> None:
    """Raises ValueError for an unknown precision, CannotRun with the reason where it can't run."""
    if precision == "bf16":
        return
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of bf16, {', '.join(PRECISIONS)}, not {precision!r}")
    missing = [name for name in ("torchao", "accelerate") if importlib.util.find_spec(name) is None]
    if missing:
        raise CannotRun(f"{precision} weights need {' and '.join(missing)}: pip install 'magic141[int8]'")
    needed = PRECISIONS[precision].capability
    if needed is None:
        return
    wanted = f"{precision} needs a CUDA device of compute capability {needed[0]}.{needed[1]} or newer"
    if device.type != "cuda":
        raise CannotRun(f"{wanted}, and this is a {device.type}")
    found = torch.cuda.get_device_capability(device)
    if found < needed:
        raise CannotRun(f"{wanted}, and {torch.cuda.get_device_name(device)} has {found[0]}.{found[1]}")


def stored_precision(transformer: Path) -> str:
    """What a transformer's folder says its weights are, by name; another library's or kind's by its own."""
    file = transformer / "config.json"
    try:
        told = json.loads(file.read_text())["quantization_config"]
    except (OSError, ValueError, KeyError):
        return "bf16"  # a file that can't be read is told of where it is loaded
    name = told.get("quant_type", {}).get("default", {}).get("_type", told.get("quant_method", "unknown"))
    return next((known for known, how in PRECISIONS.items() if how.config.name == name), name)


def quantize(
    transformer: HunyuanVideoTransformer3DModel, precision: str, device: torch.device | None = None
) -> HunyuanVideoTransformer3DModel:
    """Turns the linear layers of a bfloat16 transformer into `precision`; "bf16" leaves it.

    Where it lies, or with `device` one layer after the other there, where they stay: so a card need never
    hold it whole. Returns the same module. Raises as `check`. To store one, `store`.
    """
    check(precision, device or transformer.device)
    if precision == "bf16":
        return transformer
    from torchao.quantization import quantize_

    how = PRECISIONS[precision]

    def taken(module: nn.Module, name: str) -> bool:
        if not isinstance(module, nn.Linear) or module.in_features % how.least_width:
            return False
        return module.weight.dtype == transformer.dtype  # some models keep a few layers in float32

    quantize_(transformer, how.config(), filter_fn=taken, device=device)
    return transformer


def store(weights: Path, folder: Path, precision: str, *, device: str = "cpu") -> None:
    """Reads the transformer in `weights` and writes it, quantised, in `folder`; from there
    `from_pretrained` loads it as it is. Raises as `check`."""
    check(precision, torch.device(device))
    config = None if precision == "bf16" else TorchAoConfig(PRECISIONS[precision].config())
    where = None if device == "cpu" else {"": device}
    transformer = HunyuanVideoTransformer3DModel.from_pretrained(
        weights, torch_dtype=torch.bfloat16, quantization_config=config, device_map=where
    )
    transformer.save_pretrained(folder)


def held_bytes(module: nn.Module) -> int:
    """Of all the numbers behind the weights, also those inside of quantised ones."""
    total = 0
    for weight in module.state_dict().values():
        inner = [getattr(weight, name) for name in getattr(weight, "tensor_data_names", ())]
        total += sum(part.numel() * part.element_size() for part in inner or [weight])
    return total
