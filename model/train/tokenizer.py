"""The word-level tokenizer of the grammar; a word outside it becomes [UNK], which training shows often."""

import re

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from model.conditioning import FILM
from model.train import captions, prompts, verbs, wordings
from model.train.captions import UNKNOWN

PAD, START, END = "[PAD]", "[START]", "[END]"
WORD = r"\w+|[^\w\s]"


def vocabulary() -> list[str]:
    """Every word of the grammar, of wordings.py, verbs.py and prompts.py, sorted."""
    known = (*captions.phrases(), *wordings.wordings(), *verbs.phrases(), *prompts.phrases())
    text = " ".join(known).replace("{}", " ")
    return sorted(set(re.findall(WORD, text)))


def build(max_length: int, known: list[str] | None = None) -> PreTrainedTokenizerFast:
    """Of `known` words; None: of the vocabulary."""
    words = [PAD, UNKNOWN, START, END, FILM, *(vocabulary() if known is None else known)]
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token=UNKNOWN))
    inner.add_special_tokens([PAD, UNKNOWN, START, END])
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True)
    inner.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, words.index(START)), (END, words.index(END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        model_max_length=max_length,
    )
