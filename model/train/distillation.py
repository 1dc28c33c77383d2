"""The losses of DMD2: what the student and its critic learn from one roll-out.

Yin et al. 2024, "One-step Diffusion with Distribution Matching Distillation" (DMD) and "Improved Distribution
Matching Distillation for Fast Image Synthesis" (DMD2).
"""

import copy
from dataclasses import dataclass, replace
from functools import partial

import torch
from diffusers import HunyuanVideoTransformer3DModel
from torch import Tensor
from torch.nn import functional as F

from model.conditioning import Condition, Conditioner
from model.config import EngineConfig
from model.denoiser import predict_velocity
from model.sampler import sample
from model.train.batch import Batch
from model.train.critic import Critic
from model.train.flow import clean_of, draw_sigmas, noised
from model.train.precision import mixed
from model.train.recipe import Distilling

LOWEST, HIGHEST = 0.02, 0.98  # sigmas at which teacher and critic judge


@dataclass(frozen=True)
class Task:
    """What one update works on: the student goes on from `batch` (`filmed`: its latents are what should
    come); the critic takes `real` for filmed. `guidance` is the teacher's."""

    batch: Batch
    real: Batch
    filmed: bool
    guidance: float

    def of(self, share: slice) -> "Task":
        """Some of the examples."""
        return replace(self, batch=self.batch.of(share), real=self.real.of(share))


@dataclass(frozen=True)
class Learned:
    """Of some examples: what the student made, the gradients of its weights and of the critic's, and the
    terms of the losses."""

    made: Tensor
    student: tuple[Tensor | None, ...]
    critic: tuple[Tensor | None, ...]
    terms: dict[str, Tensor]


class Distillation:
    """Student, frozen teacher and critic, all of one geometry, with the encoders that they share."""

    def __init__(
        self,
        student: HunyuanVideoTransformer3DModel,
        teacher: HunyuanVideoTransformer3DModel,
        critic: Critic,
        conditioner: Conditioner,
        recipe: Distilling,
        config: EngineConfig,
        channels: Tensor,
    ) -> None:
        self.student, self.teacher, self.critic, self.conditioner = student, teacher, critic, conditioner
        self.recipe, self.config, self.channels = recipe, config, channels
        self._judge = copy.deepcopy(teacher) if recipe.lean else teacher

    def learn(self, task: Task, grid: Tensor, index: int) -> Learned:
        """From one roll-out up to sigma grid[index]. Knows no other thread, and changes nothing that another
        could see."""
        told, empty = self.conditions(task.batch)
        made = self.roll_out(task, told, grid, index)
        loss, terms = self.student_loss(task, made, told, empty)
        student = torch.autograd.grad(loss, tuple(self.student.parameters()), allow_unused=True)
        made = made.detach()
        loss, more = self.critic_loss(task, made, told)
        critic = torch.autograd.grad(loss, tuple(self.critic.parameters()), allow_unused=True)
        return Learned(made, student, critic, terms | more)

    def conditions(self, batch: Batch) -> tuple[Condition, Condition]:
        """What the batch's captions tell, and what no caption tells."""
        ids, mask = (x.to(batch.ids) for x in self.conditioner.tokenize([""] * len(batch.ids)))
        with torch.no_grad(), self._autocast():
            return (
                self.conditioner(batch.ids, batch.mask, batch.thumbnails),
                self.conditioner(ids, mask, batch.thumbnails),
            )

    def roll_out(self, task: Task, condition: Condition, grid: Tensor, index: int) -> Tensor:
        """The clean sample that the student sees at sigma grid[index], on its own way there from pure noise;
        with a gradient in that step alone (DMD2, section 4.5: the training sees what sampling sees)."""
        velocity = partial(self._velocity, condition=condition, context=task.batch.context)
        with self._autocast():
            with torch.no_grad():
                noisy = sample(velocity, torch.randn_like(task.batch.latents), grid[: index + 1])
            return sample(velocity, noisy, torch.stack([grid[index], torch.zeros_like(grid[0])]))

    def student_loss(
        self, task: Task, made: Tensor, condition: Condition, empty: Condition
    ) -> tuple[Tensor, dict[str, Tensor]]:
        recipe, batch = self.recipe, task.batch
        sigma = self._judged_at(made)
        noisy = noised(made, sigma)
        with self._autocast():
            with torch.no_grad():
                wanted = self._teacher(noisy.detach(), sigma, condition, empty, task)
            seen, looks = self.critic(noisy, sigma, condition, batch.context, self.config.prediction)
        # DMD, eq. 7 and 8: the difference of the scores, normed by how far off the teacher finds the sample.
        far = (made - wanted).abs().mean((1, 2, 3, 4), keepdim=True).detach()
        towards = ((seen - wanted) / far.clamp(min=1e-3)).detach()
        matching = 0.5 * (self.channels * (made - (made - towards).detach()).square()).mean()
        adversarial = F.softplus(-looks).mean()  # DMD2, eq. 6, non-saturating
        loss = recipe.matching * matching + recipe.adversarial * adversarial
        terms = {
            "apart": (self.channels * (seen - wanted).square()).mean().detach(),
            "fooled": adversarial.detach(),
        }
        if task.filmed:
            truth = (self.channels * (made - batch.latents).square()).mean()
            loss, terms["truth"] = loss + recipe.truth * truth, truth.detach()
        return loss, terms

    def critic_loss(self, task: Task, made: Tensor, condition: Condition) -> tuple[Tensor, dict[str, Tensor]]:
        """The flow loss on what the student made (DMD, eq. 6), and logistic regression on whose it is."""
        real, given = task.real, self.conditions(task.real)[0]
        sigma = self._judged_at(made)
        with self._autocast():
            seen, looks = self.critic(
                noised(made, sigma), sigma, condition, task.batch.context, self.config.prediction
            )
            _, real_looks = self.critic(
                noised(real.latents, sigma), sigma, given, real.context, self.config.prediction
            )
        flow = (self.channels * (seen - made).square()).mean()
        told_apart = F.softplus(looks).mean() + F.softplus(-real_looks).mean()
        return flow + told_apart, {"critic": flow.detach(), "told_apart": told_apart.detach()}

    def lean(self) -> None:
        """Moves the judging teacher's weights towards the critic's (MagicDistillation, arXiv 2503.13319, with
        the whole difference in place of its low-rank part)."""
        if self.recipe.lean:
            pairs = zip(self.teacher.parameters(), self.critic.transformer.parameters(), strict=True)
            for judge, (teacher, critic) in zip(self._judge.parameters(), pairs, strict=True):
                judge.data.copy_(torch.lerp(teacher.float(), critic.data, self.recipe.lean))

    def _teacher(
        self, noisy: Tensor, sigma: Tensor, condition: Condition, empty: Condition, task: Task
    ) -> Tensor:
        """With classifier-free guidance, which the student so takes in."""
        context, prediction = task.batch.context, self.config.prediction
        towards = clean_of(self._judge, noisy, sigma, condition, context, prediction)
        if task.guidance == 1:
            return towards
        away = clean_of(self._judge, noisy, sigma, empty, context, prediction)
        return away + task.guidance * (towards - away)

    def _velocity(self, x: Tensor, sigma: Tensor, condition: Condition, context: Tensor | None) -> Tensor:
        return predict_velocity(self.student, x, sigma, condition, context, self.config.prediction)

    def _judged_at(self, made: Tensor) -> Tensor:
        return draw_sigmas(len(made), self.recipe.shift, 0.0, made.device).clamp(LOWEST, HIGHEST)

    def _autocast(self) -> torch.autocast:
        return mixed(self.channels.device)
