"""The word-level tokenizer of the grammar; a word outside it becomes [UNK], which training shows often."""

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from model.train.captions import UNKNOWN, vocabulary

PAD, START, END = "[PAD]", "[START]", "[END]"


def build(max_length: int) -> PreTrainedTokenizerFast:
    words = [PAD, UNKNOWN, START, END, *vocabulary()]
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token=UNKNOWN))
    inner.add_special_tokens([PAD, UNKNOWN, START, END])
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), behavior="removed", invert=True)
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
