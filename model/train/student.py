"""The student: the teacher's DiT, taught to sample in a few steps and without guidance.

Each step of the training rolls the student out through the `sample()` that serves, up to a random step of its
grid, and asks at a random noise level which way the teacher's distribution lies from the student's own, which
the critic follows (distillation.py). Magic 1-For-1 is trained so; the squared distance to the filmed clip is
MagicDistillation's ground-truth supervision (arXiv 2503.13319). Some clips go on from what the student made
itself, as later windows do (Self-Forcing, Huang et al. 2025).
"""

import copy
from dataclasses import replace
from pathlib import Path

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm import tqdm

from model.autoencoder import PatchAutoencoder
from model.config import EngineConfig
from model.dtype import working_dtype
from model.schedule import sigmas
from model.train import snapshot
from model.train.checkpoint import Checkpoint
from model.train.clock import Clock
from model.train.cores import Cores
from model.train.critic import Critic
from model.train.curve import Curve
from model.train.distillation import Distillation, Learned, Task
from model.train.feed import Feed
from model.train.flow import channel_weights
from model.train.mini import Mini
from model.train.own import Chain, OwnWindows
from model.train.pace import learning_rate
from model.train.recipe import Distilling, Geometry, Stage
from model.train.shared import add_gradients


def train(
    folder: Path,
    recipe: Distilling,
    geometry: Geometry,
    *,
    teacher_from: Path,
    seed: int,
    device: torch.device,
    minutes: float | None = None,
    snapshots: int | None = None,
) -> None:
    """Trains in `folder` and leaves an engine there; `teacher_from` is the teacher's. Resumes from its
    checkpoint; `minutes` are as in teacher.train. Every `snapshots` steps an engine is kept in `step-N`, and
    in `whole` the student as it was before `blend`."""
    torch.manual_seed(seed)
    config = replace(
        EngineConfig.load(teacher_from),
        video_steps=recipe.grids[0],
        image_steps=recipe.grids[0],
        image_guidance=1.0,
    )
    mini, vae = Mini(geometry, config), teacher_from / "vae"
    mini.load(teacher_from)
    mini.to(device).requires_grad_(False)
    autoencoder = PatchAutoencoder.from_pretrained(vae).to(device).eval()
    channels = channel_weights(autoencoder)
    teacher = copy.deepcopy(mini.transformer).to(working_dtype(device))
    student, critic = mini.transformer.requires_grad_(True), Critic(mini.transformer).to(device)
    distil = Distillation(student, teacher, critic, mini.conditioner, recipe, config, channels)
    learners = {
        "student": (list(student.parameters()), recipe.lr),
        "critic": (list(critic.parameters()), recipe.critic_lr),
    }
    optimisers = {
        name: torch.optim.AdamW(weights, lr=lr, betas=(0.0, 0.99), weight_decay=0.0, fused=True)
        for name, (weights, lr) in learners.items()
    }
    average, clock = EMAModel(student.parameters(), decay=recipe.ema, foreach=True), Clock()
    checkpoint = Checkpoint(
        folder,
        student=student,
        critic=critic,
        **{f"{name}_optimiser": optimiser for name, optimiser in optimisers.items()},
        average=average,
        clock=clock,
    )
    start = checkpoint.resume()
    clock.begin()
    feed = Feed(
        recipe.data,
        vae,
        mini.conditioner,
        new=config.new_latents,
        dropout=0.0,
        seed=seed + start,
        device=device,
    )
    own = OwnWindows(autoencoder.to(working_dtype(device)), mini.conditioner, config, feed.rng)
    curve, cores = Curve(folder / "curve.csv"), Cores()
    progress = tqdm(range(start, recipe.steps), initial=start, total=recipe.steps, desc="student")
    for step in progress:
        part = clock.part(step / recipe.steps, minutes)
        if part >= 1:
            break
        pace = learning_rate(1.0, step, recipe.warmup, part, recipe.fall)
        stage = feed.stage(part, step)
        distil.lean()
        for name in ("video", "image") if stage.pictures else ("video",):
            if name == "image":
                task, chains = _pictures(feed, stage, recipe), None
            else:
                task, chains = _clips(feed, stage, own, recipe)
            grid = sigmas(int(feed.rng.choice(recipe.grids)), config.shift).to(device)
            index = int(feed.rng.integers(len(grid) - 1))
            learned = _by_all_cores(distil, cores, task, grid, index)
            made = torch.cat([share.made for share in learned])
            weight = stage.weight if name == "image" else 1.0
            for share in learned:
                count = len(share.made) / len(made)
                add_gradients(learners["student"][0], share.student, weight * count)
                add_gradients(learners["critic"][0], share.critic, count)
                for term, value in share.terms.items():
                    curve.note(f"{name}_{term}", value)
            if recipe.own and name == "video" and index == len(grid) - 2:
                own.add(made, task.batch, chains)
        for name, (weights, lr) in learners.items():
            optimisers[name].param_groups[0]["lr"] = pace * lr
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimisers[name].step()
            optimisers[name].zero_grad(set_to_none=True)
        average.step(student.parameters())
        progress.set_postfix(curve.write(step, clock.minutes(), pace * recipe.lr))
        if (step + 1) % recipe.save_every == 0:
            checkpoint.save(step + 1)
        if snapshots and (step + 1) % snapshots == 0:
            at = folder / f"step-{step + 1}"
            snapshot.keep(at, mini, config, vae, average=average, weights=student.parameters())
    checkpoint.save(recipe.steps)
    snapshot.keep(folder / "whole", mini, config, vae, average=average, weights=student.parameters())
    average.copy_to(student.parameters())
    blend(student, teacher, recipe.blend)
    mini.save(folder, config, vae)
    snapshot.write_strip(folder)


@torch.no_grad()
def blend(student: nn.Module, teacher: nn.Module, share: float) -> None:
    """Moves the student's weights back towards the teacher's, until `share` of the way is left (WiSE-FT,
    Wortsman et al. 2022): what distillation took away of the teacher's obedience comes back, and most of what
    it gave stays (LOG.md)."""
    for weight, old in zip(student.parameters(), teacher.parameters(), strict=True):
        weight.copy_(torch.lerp(old.to(weight.dtype), weight, share))


def _by_all_cores(distil: Distillation, cores: Cores, task: Task, grid: Tensor, index: int) -> list[Learned]:
    def learn(share: slice) -> Learned:
        return distil.learn(task.of(share), grid, index)

    return cores.each(len(task.batch.latents), learn)


def _clips(feed: Feed, stage: Stage, own: OwnWindows, recipe: Distilling) -> tuple[Task, list[Chain] | None]:
    """Clips that were filmed, or now and then what the student made, to go on from, with its chains."""
    filmed = feed.clips(stage.clips)
    if len(own) and feed.rng.random() < recipe.own:
        batch, chains = own.draw(stage.clips)
        return Task(batch, filmed, filmed=False, guidance=recipe.guidance[0]), chains
    return Task(filmed, filmed, filmed=True, guidance=recipe.guidance[0]), None


def _pictures(feed: Feed, stage: Stage, recipe: Distilling) -> Task:
    """What a prompt shows is not one picture but many: nothing is filmed that should come out."""
    batch = feed.pictures(stage.pictures)
    return Task(batch, batch, filmed=False, guidance=recipe.guidance[1])
