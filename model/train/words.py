"""The text encoder, taught before anything else what prompts mean.

One that learns beside the DiT is told by the loss of whole films, through noise, that "left" and "right"
differ: that takes hours, and what it learned of one wording the others lack (LOG.md). Large systems take an
encoder that was trained on text before. So this one is, on the grammar and on what people say (wordings.py,
verbs.py, prompts.py), to name the meaning (meaning.py): of a film's prompt what camera and thing are to do,
whatever the scene beside it; of a picture's what it is to show. A token is told the same, as far as one can
know by then: attention is causal.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.train import commands, prompts, script
from model.train.batch import of_one_length
from model.train.checkpoint import Checkpoint
from model.train.clock import Clock
from model.train.curve import Curve
from model.train.meaning import PICTURE, meanings
from model.train.mini import conditioner as encoders
from model.train.pace import learning_rate
from model.train.precision import mixed
from model.train.recipe import Geometry, Wording
from model.train.shared import Shared

Said = tuple[str, dict[str, str]]  # a prompt, and a value for each slot of its meaning


def train(folder: Path, recipe: Wording, geometry: Geometry, *, seed: int, device: torch.device) -> None:
    """Leaves a text encoder in `folder`. Resumes from its checkpoint."""
    torch.manual_seed(seed)
    conditioner = encoders(geometry).to(device)
    weights = list(conditioner.text.parameters())
    optimiser = torch.optim.AdamW(weights, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.0)
    curve, clock = Curve(folder / "curve.csv"), Clock()
    checkpoint = Checkpoint(folder, text=conditioner.text, optimiser=optimiser, clock=clock)
    start = checkpoint.resume()
    clock.begin()
    rng = np.random.default_rng(seed + start)
    meant, shared = meanings(conditioner.text.config.hidden_size), Shared(weights)
    progress = tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="words")

    def loss_of(filmed: bool, ids: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
        with mixed(device):
            told = conditioner.read(ids, mask, filmed=filmed)
        pooled = (told.pooled.float() - wanted).square().mean()
        apart = (told.tokens.float() - wanted[:, None]).square().mean(-1)
        return pooled + recipe.tokens * (apart * mask).sum() / mask.sum()

    for step in progress:
        lr = learning_rate(recipe.lr, step, recipe.warmup, step / recipe.steps, recipe.fall)
        optimiser.param_groups[0]["lr"] = lr
        for filmed, name, said in ((True, "film", film), (False, "picture", picture)):
            drawn = [("", {}), *(said(rng) for _ in range(recipe.prompts - 1))]
            ids, mask = (
                part.to(device) for part in of_one_length(conditioner, [words for words, _ in drawn])
            )
            longest = int(mask.sum(1).max())
            wanted = torch.stack([meant[filmed].of(named) for _, named in drawn]).to(device)
            curve.note(
                name,
                shared.run(name, partial(loss_of, filmed), 1.0, ids[:, :longest], mask[:, :longest], wanted),
            )
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=False)
        progress.set_postfix(curve.write(step, clock.minutes(), lr))
        if (step + 1) % recipe.save_every == 0:
            checkpoint.save(step + 1)
    checkpoint.save(recipe.steps)
    conditioner.text.save_pretrained(folder / "text_encoder")


def film(rng: np.random.Generator) -> Said:
    """A prompt that comes with a picture, and what camera and thing are to do."""
    way = rng.random()
    if way < 0.25:
        said, camera = commands.of_people(rng)
        return said, {"camera": camera, "thing": "still"}
    if way < 0.5:
        said, thing = prompts.moved(rng)
        return said, {"camera": "still", "thing": thing}
    if way < 0.75:
        drawn = commands.of_the_world(rng)
        return drawn.told(rng), {"camera": drawn.camera, "thing": drawn.thing}
    asked = prompts.picture(rng, filming=0.5, moving=0.4)
    return asked.said, {"camera": asked.camera, "thing": asked.thing}


def picture(rng: np.random.Generator) -> Said:
    """A prompt without a picture, and what is to be painted: if it tells of motion only, nothing named."""
    if rng.random() < 0.3:
        drawn = script.scene(rng)
        names = (drawn.colour, drawn.shape, drawn.ground, drawn.kind) if drawn.words else ()
        said = drawn.told(rng)
    else:
        asked = prompts.picture(rng)
        said, names = asked.said, (*asked.named, asked.kind)
    return said, dict(zip(PICTURE, names, strict=False))
