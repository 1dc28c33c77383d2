"""A folder of weights in diffusers' and transformers' format: what is wrong with it, and its parts, loaded.

What can be told without reading a weight is told first: which files there are, whether each is as long as its
header says, and whether the tensors are, by name and shape, those of the model that the configuration
describes. So a wrong folder is refused in seconds, before tens of gigabytes are read and a GPU is touched.
"""

import importlib.util
import json
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin
from diffusers.utils import logging as diffusers_logging
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

Shapes = dict[str, tuple[int, ...]]
MOST_TOLD = 5


class BrokenWeights(ValueError):
    """A folder is not what a model needs; `problems` says why, one line each."""

    def __init__(self, folder: Path, problems: Sequence[str]) -> None:
        super().__init__(f"the weights in {folder} can't be used:\n" + "\n".join(f"- {p}" for p in problems))
        self.problems = tuple(problems)


def load_parts(
    folder: Path, classes: Mapping[str, Any], dtypes: Mapping[str, torch.dtype]
) -> dict[str, Any]:
    """Every part by its class, on the CPU: models in evaluation mode, of the dtype named for them. `problems`
    is to be asked before.

    Raises BrokenWeights.
    """
    return {name: _loaded(folder / name, kind, dtypes.get(name)) for name, kind in classes.items()}


def problems(folder: Path, classes: Mapping[str, Any]) -> list[str]:
    """What is wrong with the parts in a folder, by their headers; nothing where nothing is."""
    told: list[str] = []
    for name, kind in classes.items():
        try:
            told += [f"{name}: {problem}" for problem in _part_problems(folder / name, kind)]
        except (OSError, ValueError, KeyError, TypeError) as error:
            told.append(f"{name}: {error}")
    return told


def _part_problems(folder: Path, kind: Any) -> list[str]:
    if not folder.is_dir():
        return ["the folder is missing"]
    if not _is(kind, (ModelMixin, PreTrainedModel)):
        return [] if any(folder.glob("*.json")) else ["the folder holds no configuration"]
    if not (folder / "config.json").is_file():
        return ["config.json is missing"]
    config = json.loads((folder / "config.json").read_text())
    stem = "diffusion_pytorch_model" if _is(kind, ModelMixin) else "model"
    stored = stored_shapes(folder, stem)
    if "quantization_config" in config:
        return []  # one weight is stored as several tensors; the library that packed them knows how
    if _is(kind, PreTrainedModel):
        return _transformers_problems(folder, kind)
    # What published weights are known to hold beyond the model: Wan's norm_added_q.
    spare = [re.compile(pattern) for pattern in kind._keys_to_ignore_on_load_unexpected or ()]
    stored = {name: shape for name, shape in stored.items() if not any(p.search(name) for p in spare)}
    with torch.device("meta"):
        model = kind.from_config(config)
    return differences(stored, {key: tuple(value.shape) for key, value in model.state_dict().items()})


def differences(stored: Shapes, wanted: Shapes) -> list[str]:
    """What to tell of tensors that are missing, unknown, or of another shape than the model's."""
    missing = [name for name in wanted if name not in stored]
    unknown = [name for name in stored if name not in wanted]
    wrong = [
        f"{name} is {list(stored[name])}, not {list(shape)}"
        for name, shape in wanted.items()
        if name in stored and stored[name] != shape
    ]
    return [
        *_some("tensors are missing", missing),
        *_some("tensors are not the model's", unknown),
        *_some("tensors have a wrong shape", wrong),
    ]


def stored_shapes(folder: Path, stem: str) -> Shapes:
    """Names and shapes in `stem.safetensors`, or in the shards that its index names.

    Raises ValueError where a file is missing, cut off, or not what the index says.
    """
    index = folder / f"{stem}.safetensors.index.json"
    if not index.is_file():
        return read_header(folder / f"{stem}.safetensors")
    places: dict[str, str] = json.loads(index.read_text())["weight_map"]
    shards = {file: read_header(folder / file) for file in sorted(set(places.values()))}
    lost = [name for name, file in places.items() if name not in shards[file]]
    if lost:
        raise ValueError(f"{lost[0]} is not in {places[lost[0]]}, where the index says")
    unlisted = [name for shapes in shards.values() for name in shapes if name not in places]
    if unlisted:
        raise ValueError(f"{unlisted[0]} is in a shard, and not in the index")
    return {name: shards[file][name] for name, file in places.items()}


def read_header(file: Path) -> Shapes:
    """Names and shapes of a safetensors file. Raises ValueError where it's missing, damaged or cut off."""
    if not file.is_file():
        raise ValueError(f"{file.name} is missing")
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if 8 + length > size:
            raise ValueError(f"{file.name} is cut off: {size} bytes don't hold its header")
        try:
            header = json.loads(opened.read(length))
        except ValueError as error:
            raise ValueError(f"{file.name} is no safetensors file") from error
    header.pop("__metadata__", None)
    end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if end != size:
        raise ValueError(f"{file.name} has {size} bytes, and its header tells of {end}")
    return {name: tuple(entry["shape"]) for name, entry in header.items()}


def _transformers_problems(folder: Path, kind: type[PreTrainedModel]) -> list[str]:
    """By transformers' own loader on the meta device, since it renames what older versions stored.

    That asks for accelerate, which the bundled model does without: there it is told when the part is loaded.
    """
    if importlib.util.find_spec("accelerate") is None:
        return []
    _, told = kind.from_pretrained(
        folder,
        device_map="meta",
        output_loading_info=True,
        local_files_only=True,
        ignore_mismatched_sizes=True,
    )
    return _told(told)


def _is(kind: Any, base: type | tuple[type, ...]) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _told(info: Mapping[str, Any]) -> list[str]:
    wrong = [
        f"{name} is {list(stored)}, not {list(wanted)}" for name, stored, wanted in info["mismatched_keys"]
    ]
    return [
        *_some("tensors are missing", sorted(info["missing_keys"])),
        *_some("tensors are not the model's", sorted(info["unexpected_keys"])),
        *_some("tensors have a wrong shape", sorted(wrong)),
        *map(str, info.get("error_msgs", ())),
    ]


def _some(said: str, names: Sequence[str]) -> list[str]:
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return [f"{len(names)} {said}: {', '.join(names[:MOST_TOLD])}{more}"] if names else []


def _loaded(folder: Path, kind: Any, dtype: torch.dtype | None) -> Any:
    try:
        if _is(kind, PreTrainedModel):
            part, told = kind.from_pretrained(
                folder, dtype=dtype, output_loading_info=True, local_files_only=True
            )
            if wrong := _told(told):
                raise BrokenWeights(folder, wrong)
        elif _is(kind, ModelMixin):
            part = kind.from_pretrained(folder, torch_dtype=dtype, local_files_only=True)
        else:
            return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, (BrokenWeights, ImportError)):
            raise
        raise BrokenWeights(folder, [str(error)]) from error
    return part.eval().requires_grad_(False)


def quiet() -> None:
    """For weights that load in a moment, the libraries' progress bars and advice are noise."""
    for logging in (diffusers_logging, transformers_logging):
        logging.disable_progress_bar()
