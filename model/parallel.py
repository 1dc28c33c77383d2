"""One DiT on several cards: Ulysses' context parallelism by diffusers' hooks, all ranks in step under
`torchrun`.

Every rank runs the same engine with the same arguments, and each forward of the DiT is shared: a rank has its
part of the tokens everywhere, and of the heads inside of attention. Rank 0 is asked; the others `follow` it,
and hear from it what it was asked, what the shots are by now, and whether to go on, wherever the engine asks
that.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from diffusers import ContextParallelConfig, HunyuanVideoTransformer3DModel
from diffusers.hooks import apply_context_parallel
from diffusers.hooks.group_offloading import _is_group_offload_enabled
from diffusers.models._modeling_parallel import ContextParallelInput, ContextParallelOutput, ParallelConfig

from model.backends import without_padding
from model.engine import Engine, Window
from model.windows import Shot

# What diffusers has for other models and not for this one: tokens and their positions are split where they
# come to be, and put together where they leave.
PLAN = {
    "rope": {part: ContextParallelInput(split_dim=0, expected_dims=2, split_output=True) for part in (0, 1)},
    "x_embedder": {0: ContextParallelInput(split_dim=1, expected_dims=3, split_output=True)},
    "context_embedder": {0: ContextParallelInput(split_dim=1, expected_dims=3, split_output=True)},
    "proj_out": ContextParallelOutput(gather_dim=1, expected_dims=3),
}


def join(rank: int, ranks: int, *, init_method: str | None = None) -> None:
    """Meets the other ranks; without `init_method` as `torchrun` tells by the environment.

    Words go by gloo between CPUs, tensors by nccl where there are GPUs, one a rank. A rank may wait for days
    to be asked: a rank that died is torchrun's to find.
    """
    backend = "cpu:gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(rank % torch.cuda.device_count())
        backend += ",cuda:nccl"
    dist.init_process_group(
        backend, rank=rank, world_size=ranks, init_method=init_method, timeout=timedelta(days=30)
    )


def share(transformer: HunyuanVideoTransformer3DModel) -> None:
    """Splits every forward among all ranks. Raises ValueError for another DiT, or heads that can't be split.

    Padding is cut off first, since a shared forward has no mask. `transformer.enable_parallelism` does the
    same on GPUs, and fails without one (diffusers 0.42: it divides by the number of accelerators).
    """
    if not isinstance(transformer, HunyuanVideoTransformer3DModel):
        raise ValueError(f"no plan for sharing a {type(transformer).__name__} among cards")
    if _is_group_offload_enabled(transformer):
        raise ValueError("blocks that are offloaded can't be shared among cards: several cards hold more")
    ranks, heads = dist.get_world_size(), transformer.config.num_attention_heads
    if heads % ranks:
        raise ValueError(f"{heads} heads can't be shared by {ranks} ranks")
    without_padding(transformer)
    # "Anything": numbers of tokens that the ranks don't divide, as most prompts have.
    ulysses = ContextParallelConfig(ulysses_degree=ranks, ulysses_anything=True)
    device = transformer.device
    mesh = dist.device_mesh.init_device_mesh(
        device.type, ulysses.mesh_shape, mesh_dim_names=ulysses.mesh_dim_names
    )
    config = ParallelConfig(context_parallel_config=ulysses)
    config.setup(dist.get_rank(), ranks, device, mesh=mesh)
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.attn.processor._parallel_config = config
    apply_context_parallel(transformer, ulysses, PLAN)


class Stopped(Exception):
    """Rank 0 has stopped the work that this rank follows."""


class Together:
    """Rank 0's engine, with an Engine's face. Decode on the thread that denoises: what is told to the ranks
    has to have one order."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.overlaps = False
        share(engine.transformer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def paint(self, prompt: str, *, check: Callable[[], None] | None = None, **options: Any) -> np.ndarray:
        _tell(("paint", (prompt,), options))
        return self._engine.paint(prompt, check=lambda: _checked(check), **options)

    def generate(
        self,
        shots: Sequence[Shot],
        image: np.ndarray,
        *,
        check: Callable[[], None] | None = None,
        steer: Callable[[int], Sequence[Shot]] | None = None,
        **options: Any,
    ) -> Iterator[Window]:
        _tell(("generate", (shots, image), options))

        def steered(window: int) -> Sequence[Shot]:
            now = shots if steer is None else steer(window)
            _tell(now)
            return now

        windows = self._engine.generate(shots, image, check=lambda: _checked(check), steer=steered, **options)
        try:
            yield from windows
        finally:
            windows.close()  # type: ignore[attr-defined]
            _tell(
                Stopped
            )  # whoever waits for a word in the middle is told to stop; whoever is done passes over it

    def dismiss(self) -> None:
        """Lets the others end."""
        _tell(None)


def follow(engine: Engine) -> None:
    """A rank other than 0: does what rank 0 does until it is dismissed."""
    engine.overlaps = False
    share(engine.transformer)
    while (asked := _heard()) is not None:
        if asked is Stopped:
            continue
        what, given, options = asked
        try:
            if what == "paint":
                engine.paint(*given, **options, check=_listen)
            else:
                for _ in engine.generate(
                    *given, **options, check=_listen, steer=lambda window: _heard_shots()
                ):
                    pass
        except (Stopped, ValueError):  # what rank 0 was asked wrongly is refused here as there
            continue


def _checked(check: Callable[[], None] | None) -> None:
    try:
        if check is not None:
            check()
    except BaseException:
        _tell(Stopped)
        raise
    _tell("on")


def _listen() -> None:
    if _heard() is Stopped:
        raise Stopped


def _heard_shots() -> Sequence[Shot]:
    heard = _heard()
    if heard is Stopped:
        raise Stopped
    return heard


def _tell(word: object) -> None:
    dist.broadcast_object_list([word], src=0)


def _heard() -> Any:
    told: list[Any] = [None]
    dist.broadcast_object_list(told, src=0)
    return told[0]
