"""Teaches the text encoder that other words mean the same.

What a DiT obeys is the pooled vector, and it obeys the plainest words best (LOG.md). So the encoder is
taught afterwards, without the DiT: whatever words a command is given in, its pooled vector is to be the one
that the encoder, as it was, gives to the command's plainest words (knowledge distillation, Hinton et al.
2015, with the meaning as the teacher's input). Tokens keep what they were. It takes minutes on a CPU.
"""

import copy
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoTokenizer, CLIPTextModel

from model.train import tokenizer, wordings
from model.train.clock import Clock
from model.train.curve import Curve
from model.train.pace import learning_rate
from model.train.recipe import Wording
from model.train.snapshot import write_strip


def train(folder: Path, recipe: Wording, *, engine_from: Path, seed: int, device: torch.device) -> None:
    """Leaves in `folder` the engine of `engine_from`, with a text encoder that knows all of wordings.py."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    known = AutoTokenizer.from_pretrained(engine_from / "tokenizer")
    before = CLIPTextModel.from_pretrained(engine_from / "text_encoder", dtype=torch.float32).to(device)
    words = tokenizer.build(known.model_max_length)
    text = tokenizer.with_words(copy.deepcopy(before), known, words).train()
    optimiser = torch.optim.AdamW(text.parameters(), lr=recipe.lr, betas=(0.9, 0.98), weight_decay=0.0)
    curve, clock = Curve(folder / "curve.csv"), Clock()
    for step in (progress := tqdm(range(recipe.steps), desc="words")):
        lr = learning_rate(recipe.lr, step, recipe.warmup, step / recipe.steps, recipe.fall)
        optimiser.param_groups[0]["lr"] = lr
        said, meant = zip(*(wordings.command(rng) for _ in range(recipe.batch)), strict=True)
        ids, mask = _tokens(words, said, device)
        with torch.no_grad():
            wanted = before(**_named(_tokens(known, meant, device))).pooler_output
            kept = before(**_named(_tokens(known, said, device))).last_hidden_state
        found = text(**_named((ids, mask)))
        inner = (mask.bool() & (ids != words.eos_token_id))[..., None]  # the end's token is the pooled vector
        pooled = (found.pooler_output - wanted).square().mean()
        tokens = ((found.last_hidden_state - kept).square() * inner).sum() / (inner.sum() * kept.shape[-1])
        (pooled + recipe.tokens * tokens).backward()
        torch.nn.utils.clip_grad_norm_(text.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        curve.note("pooled", pooled.detach())
        curve.note("tokens", tokens.detach())
        progress.set_postfix(curve.write(step, clock.minutes(), lr))
    left_out = shutil.ignore_patterns("checkpoint.*", "*.csv", "*.png", "step-*", "whole", "text_encoder")
    shutil.copytree(engine_from, folder, ignore=left_out, dirs_exist_ok=True)
    text.to(torch.bfloat16).cpu().save_pretrained(folder / "text_encoder")
    words.save_pretrained(folder / "tokenizer")
    write_strip(folder)


def _tokens(
    words: tokenizer.PreTrainedTokenizerFast, said: tuple[str, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    out = words(list(said), padding=True, truncation=True, return_tensors="pt").to(device)
    return out["input_ids"], out["attention_mask"]


def _named(tokens: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    return {"input_ids": tokens[0], "attention_mask": tokens[1]}
