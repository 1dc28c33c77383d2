"""The multi-modal condition of Magic 1-For-1: image tokens, then text tokens, and a pooled text vector.

The 13 B model takes its tokens from a vision-language model and the pooled vector from CLIP; the small one
has a CLIP text model and a CLIP vision model of its own, a few layers each.

One pooled vector can't both name what a picture shows and command the camera (LOG.md, 2026-11-26). So the
text model is told which it is to do, as HunyuanVideo's is by its two prompt templates: a prompt that comes
with an image starts with a token of its own, where the tokenizer has it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextModel, CLIPVisionModel, PreTrainedTokenizerFast

FILM = "[FILM]"  # in a tokenizer's vocabulary: what starts the prompt of a film


@dataclass(frozen=True)
class Condition:
    """tokens [B, L, D] and their mask [B, L] (1 = use; the used ones come first), pooled [B, P]; whether a
    thing is commanded rather than the camera, where anyone asked."""

    tokens: Tensor
    mask: Tensor
    pooled: Tensor
    to_a_thing: bool = False


class Conditioner(nn.Module):
    """`image_tokens` False leaves out what the vision model sees."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        text: CLIPTextModel,
        vision: CLIPVisionModel,
        *,
        image_tokens: bool = True,
    ) -> None:
        super().__init__()
        self.tokenizer, self.text, self.vision, self.image_tokens = tokenizer, text, vision, image_tokens
        self._film = tokenizer.get_vocab().get(FILM, tokenizer.bos_token_id)

    def tokenize(self, prompts: list[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask [B, L], long, padded on the right and cut to the text model's length."""
        limit = self.text.config.max_position_embeddings
        out = self.tokenizer(prompts, padding=True, truncation=True, max_length=limit, return_tensors="pt")
        return out["input_ids"], out["attention_mask"]

    def thumbnail(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in -1..1 -> what the vision model sees, [B, 3, s, s]."""
        side = self.vision.config.image_size
        return F.interpolate(pictures, (side, side), mode="area")

    def forward(self, ids: Tensor, mask: Tensor, thumbnails: Tensor | None) -> Condition:
        """Without `thumbnails` [B, 3, s, s] (text-to-image) there are text tokens only."""
        told = self.read(ids, mask, filmed=thumbnails is not None)
        if thumbnails is None or not self.image_tokens:
            return told
        seen = self.vision(pixel_values=thumbnails.to(self.vision.dtype)).last_hidden_state
        used = mask.new_ones(seen.shape[:2])
        return Condition(
            torch.cat([seen, told.tokens], dim=1), torch.cat([used, told.mask], dim=1), told.pooled
        )

    def read(self, ids: Tensor, mask: Tensor, *, filmed: bool) -> Condition:
        """The text's part: what a picture is to show, or, `filmed`, what is to happen to a given one."""
        if filmed:
            ids = torch.where(ids == self.tokenizer.bos_token_id, self._film, ids)
        written = self.text(input_ids=ids, attention_mask=mask)
        return Condition(written.last_hidden_state, mask, written.pooler_output)
