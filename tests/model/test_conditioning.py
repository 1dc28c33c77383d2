"""What a condition holds: image tokens before the words', where the model has them."""

import pytest
import torch

from model.conditioning import Conditioner
from model.load import load_engine


@pytest.fixture(scope="module")
def conditioner() -> Conditioner:
    return load_engine("mini").family.conditioner


@torch.inference_mode()
def test_image_tokens_come_first(conditioner: Conditioner) -> None:
    ids, mask = conditioner.tokenize(["the camera pans left"])
    thumbnail = conditioner.thumbnail(torch.zeros(1, 3, 256, 256))
    words, both = conditioner(ids, mask, None), conditioner(ids, mask, thumbnail)
    assert both.tokens.shape[1] == words.tokens.shape[1] + 17
    torch.testing.assert_close(both.tokens[:, 17:], words.tokens)
    assert both.mask.shape == both.tokens.shape[:2]


@torch.inference_mode()
def test_a_model_without_image_tokens_has_the_words_alone(conditioner: Conditioner) -> None:
    alone = Conditioner(conditioner.tokenizer, conditioner.text, conditioner.vision, image_tokens=False)
    ids, mask = alone.tokenize(["the camera pans left"])
    thumbnail = alone.thumbnail(torch.zeros(1, 3, 256, 256))
    torch.testing.assert_close(alone(ids, mask, thumbnail).tokens, alone(ids, mask, None).tokens)
