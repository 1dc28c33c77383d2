"""Teaches the text encoder that other words mean the same.

A DiT obeys the plainest words best (LOG.md). So the encoder is taught afterwards, by what the encoder as it
was says to the plainest words for the same (knowledge distillation, Hinton et al. 2015, with the meaning as
the teacher's input). Of a prompt for a film that is the command in it: camera and things obey the pooled
vector, so that is to be the command's, whatever the scene beside it, and so is what the DiT makes of it,
which sets apart what lies close by (spread.py); the tokens are to stay. A picture is painted by the tokens
too, which no order of words has one by one in common with another: there the DiT, which stays as it is, is to
see the same sample.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.autoencoder import PatchAutoencoder
from model.conditioning import Condition, Conditioner
from model.config import EngineConfig
from model.train import commands, prompts, script
from model.train.checkpoint import Checkpoint
from model.train.clock import Clock
from model.train.curve import Curve
from model.train.flow import channel_weights, clean_of, noised, sampling_sigmas
from model.train.mini import Mini
from model.train.pace import learning_rate
from model.train.precision import mixed
from model.train.recipe import Geometry, Wording
from model.train.snapshot import write_strip


def train(
    folder: Path, recipe: Wording, geometry: Geometry, *, engine_from: Path, seed: int, device: torch.device
) -> None:
    """Leaves in `folder` the engine of `engine_from`, with a text encoder that knows all of wordings.py,
    verbs.py and prompts.py. Resumes from its checkpoint."""
    torch.manual_seed(seed)
    config = EngineConfig.load(engine_from)
    mini = Mini(geometry, config)
    mini.load(engine_from)
    mini.to(device).requires_grad_(False)
    before = copy.deepcopy(mini.conditioner)
    channels = channel_weights(PatchAutoencoder.from_pretrained(engine_from / "vae").eval()).to(device)
    start_as_another(mini.conditioner)
    weights = list(mini.conditioner.text.requires_grad_(True).parameters())
    optimiser = torch.optim.AdamW(weights, lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.0)
    curve, clock = Curve(folder / "curve.csv"), Clock()
    checkpoint = Checkpoint(folder, text=mini.conditioner.text, optimiser=optimiser, clock=clock)
    start = checkpoint.resume()
    clock.begin()
    rng = np.random.default_rng(seed + start)
    progress = tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="words")
    for step in progress:
        lr = learning_rate(recipe.lr, step, recipe.warmup, step / recipe.steps, recipe.fall)
        optimiser.param_groups[0]["lr"] = lr
        films = [_film(rng) for _ in range(recipe.films)]
        pictures = [_picture(rng) for _ in range(recipe.pictures)]
        pooled, embedded, tokens = _filmed(mini, before, films)
        pictured, painted = _painted(mini, before, channels, pictures, recipe.seen)
        (pooled + embedded + pictured + recipe.tokens * tokens + recipe.painted * painted).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        terms = {"pooled": pooled, "embedded": embedded, "pictured": pictured, "tokens": tokens}
        for name, term in (terms | {"painted": painted}).items():
            curve.note(name, term.detach())
        progress.set_postfix(curve.write(step, clock.minutes(), lr))
        if (step + 1) % recipe.save_every == 0:
            checkpoint.save(step + 1)
    mini.save(folder, config, engine_from / "vae")
    write_strip(folder)


@torch.no_grad()
def start_as_another(conditioner: Conditioner) -> None:
    """A word that is only another's name (prompts.ALSO) starts as that word, in place; what was learned of it
    in a run before is forgotten."""
    table, ids = conditioner.text.get_input_embeddings().weight, conditioner.tokenizer.get_vocab()
    for word, others in prompts.ALSO.items():
        for other in others:
            if other in ids:
                table[ids[other]] = table[ids[word]]


def _film(rng: np.random.Generator) -> tuple[str, str]:
    """A prompt, and what a film by it is to do, in the plainest words."""
    way = rng.random()
    if way < 0.6:
        return commands.command(rng) if way < 0.2 else prompts.moved(rng)
    asked = prompts.picture(rng, filming=0.5, moving=0.4)
    return asked.said, asked.filmed


def _picture(rng: np.random.Generator) -> tuple[str, str]:
    """A prompt, and what it asks to be painted, in the plainest words."""
    if rng.random() < 0.2:
        drawn = script.scene(rng)
        return drawn.told(rng), drawn.meant
    asked = prompts.picture(rng)
    return asked.said, asked.meant


def _filmed(mini: Mini, before: Conditioner, asked: list[tuple[str, str]]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean squared errors of the pooled vectors, of what the DiT makes of them, and of the tokens, of (said,
    meant)."""
    said, meant = zip(*asked, strict=True)
    embedder = mini.transformer.time_text_embed.text_embedder
    found = _told(mini.conditioner, said, filmed=True)
    with torch.no_grad():
        wanted, kept = _told(before, meant, filmed=True), _told(before, said, filmed=True)
    lengths = found.mask.sum(1, keepdim=True)
    inner = torch.arange(found.mask.shape[1], device=lengths.device) < lengths - 1  # the last one is the end,
    apart = (found.tokens - kept.tokens).square().mean(-1)  # which is the pooled vector
    pooled = (found.pooled - wanted.pooled).square().mean()
    embedded = (embedder(found.pooled) - embedder(wanted.pooled)).square().mean()
    return pooled, embedded, apart[inner].mean()


def _painted(
    mini: Mini, before: Conditioner, channels: Tensor, asked: list[tuple[str, str]], seen: int
) -> tuple[Tensor, Tensor]:
    """Mean squared errors of the pooled vectors of (said, meant), and, of the first `seen`, of the samples
    that the DiT sees at sigmas of the sampling: half of them at the first, in noise over what it makes of
    the meaning in one step."""
    said, meant = zip(*asked, strict=True)
    config, device = mini.config, channels.device
    with mixed(device):
        found = _told(mini.conditioner, said, filmed=False)
        with torch.no_grad():
            wanted = _told(before, meant, filmed=False)
    pooled = (found.pooled - wanted.pooled).square().mean()
    noise = torch.randn(seen, *config.latent_shape(1)[1:], device=device)
    sigma = sampling_sigmas(seen, config.image_steps, config.shift, device)

    def sample(noisy: Tensor, sigma: Tensor, told: Condition) -> Tensor:
        told = Condition(told.tokens[:seen], told.mask[:seen], told.pooled[:seen])
        return clean_of(mini.transformer, noisy, sigma, told, None, config.prediction)

    with mixed(device):
        with torch.no_grad():
            noisy = noised(sample(noise, torch.ones_like(sigma), wanted), sigma)
            right = sample(noisy, sigma, wanted)
        painted = (channels * (sample(noisy, sigma, found) - right).square()).mean()
    return pooled, painted


def _told(conditioner: Conditioner, said: tuple[str, ...], *, filmed: bool) -> Condition:
    device = conditioner.text.device
    ids, mask = (tensor.to(device) for tensor in conditioner.tokenize(list(said)))
    return conditioner.read(ids, mask, filmed=filmed)
