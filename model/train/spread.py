"""Commands to things, set as far apart as commands to the camera.

The text encoder learned the words for what bounces, orbits, grows and shrinks while no film showed any of it,
and gives them nearly the same vector. The few numbers in which they differ would have to be found through the
noise of a whole film's loss; told directly, the DiT's embedder of the pooled vector learns it in seconds.
"""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from model.conditioning import Conditioner
from model.train import commands, script
from model.train.mini import Mini
from model.train.prompts import picture

BATCH, LR = 256, 2e-3


def set_apart(mini: Mini, *, prompts: int, steps: int, seed: int) -> float:
    """Teaches the embedder of the pooled vector, in place, and nothing else: what it makes of a command to a
    thing goes to the corner of a regular simplex, the one whose corners are nearest to where the commands
    were; what it makes of films by the camera and of pictures stays. It goes by `prompts` of each of
    the three. Returns the mean squared error that is left, over the variance."""
    rng = np.random.default_rng(seed)
    embedder = mini.transformer.time_text_embed.text_embedder
    before = copy.deepcopy(embedder)
    scenes = [script.scene(rng, moving=1.0) for _ in range(prompts)]
    told = [(scene.told(rng), scene.thing) for scene in scenes if scene.thing != "still"]
    filmed = [_to_the_camera(rng) for _ in range(prompts)]
    painted = [picture(rng, filming=0.5, moving=0.4).said for _ in range(prompts)]
    with torch.no_grad():
        moved = _pooled(mini.conditioner, [words for words, _ in told], filmed=True)
        steady = _pooled(mini.conditioner, filmed, filmed=True)
        kept = torch.cat([steady, _pooled(mini.conditioner, painted, filmed=False)])
        names, which = np.unique([thing for _, thing in told], return_inverse=True)
        thing = torch.from_numpy(which).to(moved.device)
        own = before(moved)
        means = torch.stack([own[thing == index].mean(0) for index in range(len(names))])
        wanted = torch.cat([simplex(means, _reach(before(steady)))[thing], before(kept)])
    asked = torch.cat([moved, kept])
    with torch.enable_grad():
        _fit(embedder, asked, wanted, steps)
    with torch.no_grad():
        left = (embedder(asked) - wanted).square().mean()
    return float(left / wanted.var(0).mean())


def _to_the_camera(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        return commands.of_people(rng)[0]
    drawn = script.nature(rng, turned=0.5, freedom=1.0) if kind < 0.75 else script.scene(rng, moving=0.0)
    return drawn.told(rng)


def simplex(points: Tensor, reach: float) -> Tensor:
    """[N, D]: the corners, `reach` from the mean of `points` [N, D], of the regular simplex that is nearest
    to them (symmetric orthogonalisation, Löwdin 1950)."""
    middle = points.mean(0)
    left, _, right = torch.linalg.svd(points - middle, full_matrices=False)
    corners = left[:, :-1] @ right[:-1]  # the last singular value is nought: the mean was taken out
    return middle + reach * corners / corners.norm(dim=1, keepdim=True)


def _reach(embedded: Tensor) -> float:
    """How far apart commands to the camera lie: the mean distance from their middle."""
    return float((embedded - embedded.mean(0)).norm(dim=1).mean())


def _fit(embedder: nn.Module, asked: Tensor, wanted: Tensor, steps: int) -> None:
    weights = list(embedder.requires_grad_(True).parameters())
    optimiser = torch.optim.Adam(weights, lr=LR)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=steps)
    for _ in range(steps):
        drawn = torch.randint(len(asked), (BATCH,), device=asked.device)
        (embedder(asked[drawn]) - wanted[drawn]).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        falling.step()


def _pooled(conditioner: Conditioner, prompts: list[str], *, filmed: bool) -> Tensor:
    ids, mask = (part.to(conditioner.text.device) for part in conditioner.tokenize(prompts))
    parts = zip(ids.split(256), mask.split(256), strict=True)
    return torch.cat([conditioner.read(*part, filmed=filmed).pooled for part in parts])
