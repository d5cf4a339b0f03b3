"""Modified Kneser-Ney models: sums, the formulas of Chen and Goodman taken literally, and an example by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.ctc.kneser_ney import FALLBACK, train
from recog.ctc.ngram import NgramModel

TEXTS = st.lists(st.text("abcd", max_size=7), min_size=1, max_size=30)


class Literal:
    """Interpolated modified Kneser-Ney by its formulas, one n-gram at a time."""

    def __init__(self, texts, order: int):
        self.order = order
        sentences = [("<s>", *text, "</s>") for text in texts]
        self.vocabulary = sorted({token for s in sentences for token in s[1:]} | {"<unk>"})
        raw = [Counter(s[i : i + n] for s in sentences for i in range(len(s) - n + 1)) for n in range(1, order + 1)]
        self.counts = []
        for n in range(1, order + 1):
            counts = {}
            for gram, count in raw[n - 1].items():
                left = len({longer[0] for longer in raw[n] if longer[1:] == gram}) if n < order else 0
                counts[gram] = count if n == order or gram[0] == "<s>" else left
            counts.pop(("<s>",), None)
            self.counts.append(counts)
        self.discounts = [self._discounts(counts) for counts in self.counts]

    @staticmethod
    def _discounts(counts):
        n1, n2, n3, n4 = (sum(count == k for count in counts.values()) for k in (1, 2, 3, 4))
        if 0 in (n1, n2, n3):
            return FALLBACK
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        return found if all(0 < d <= k for k, d in enumerate(found, 1)) else FALLBACK

    def probability(self, token: str, context: tuple[str, ...]) -> float:
        context = context[max(0, len(context) - self.order + 1) :]
        if not context:
            return self._mixed(token, (), 1 / len(self.vocabulary))
        return self._mixed(token, context, self.probability(token, context[1:]))

    def _mixed(self, token: str, context: tuple[str, ...], lower: float) -> float:
        counts, discounts = self.counts[len(context)], self.discounts[len(context)]
        after = {gram: count for gram, count in counts.items() if gram[:-1] == context}
        if not after:
            return lower
        total = sum(after.values())
        mass = sum(discounts[min(count, 3) - 1] for count in after.values()) / total
        count = after.get((*context, token), 0)
        return (count - (discounts[min(count, 3) - 1] if count else 0)) / total + mass * lower


def contexts_of(model: NgramModel):
    yield ()
    for order in range(1, model.order):
        yield from (gram for gram in model.spelt(order) if gram[-1] not in ("</s>", "<unk>"))


def log10_after(model: NgramModel, context: tuple[str, ...]) -> dict[str, float]:
    """Log10 probabilities of all tokens after a context; its `<s>` comes from the model itself."""
    begin = context[:1] == ("<s>",)
    context = context[begin:]
    tokens = [token for token in model.tokens if token not in ("<s>", "</s>")]
    before = model.score(context, begin=begin, end=False)
    found = {t: model.score([*context, t], begin=begin, end=False) - before for t in tokens}
    return found | {"</s>": model.score(context, begin=begin, end=True) - before}


@settings(max_examples=20)
@given(TEXTS, st.integers(1, 4))
def test_probabilities_after_every_context_sum_to_one_and_follow_the_formulas(texts, order):
    model, literal = train(texts, order), Literal(texts, order)
    for context in contexts_of(model):
        found = log10_after(model, context)
        assert sum(10**value for value in found.values()) == pytest.approx(1)
        for token, value in found.items():
            assert 10**value == pytest.approx(literal.probability(token, context)), (context, token)


def test_estimated_discounts_follow_the_formulas():
    rng = np.random.default_rng(0)
    tokens = [str(token) for token in range(60)]
    weights = 1 / np.arange(1, 61)
    texts = [rng.choice(tokens, 6, p=weights / weights.sum()).tolist() for _ in range(80)]
    literal = Literal(texts, 3)
    assert sum(discounts != FALLBACK for discounts in literal.discounts) >= 2
    model = train(texts, 3)
    for context in [(), ("<s>",), ("0",), ("0", "1"), ("<s>", "0"), ("7", "3")]:
        found = log10_after(model, context)
        assert sum(10**value for value in found.values()) == pytest.approx(1)
        for token, value in found.items():
            assert 10**value == pytest.approx(literal.probability(token, context)), (context, token)


def test_an_example_by_hand():
    # <s> a b </s> twice and <s> a </s> once.
    model = train(["ab", "ab", "a"], 2)
    # Continuation counts: a 1 (after <s>), b 1 (after a), </s> 2 (after a and b). None is 3: discounts 0.5 and 1.
    # Of the sum of 4, half is discounted and spread over a, b, </s> and <unk>: an eighth each.
    single = {"a": 0.5 / 4 + 1 / 8, "b": 0.5 / 4 + 1 / 8, "</s>": 1 / 4 + 1 / 8, "<unk>": 1 / 8}
    assert {token: 10**value for token, value in log10_after(model, ()).items()} == pytest.approx(single)
    # Counts of pairs: a </s> 1, a b 2, b </s> 2, <s> a 3, so Y = 1 / (1 + 2 * 2) = 0.2 and the discounts are
    # 1 - 2 * 0.2 * 2 / 1 = 0.2, 2 - 3 * 0.2 * 1 / 2 = 1.7 and 3 - 4 * 0.2 * 0 / 1 = 3.
    after = {token: 10**value for token, value in log10_after(model, ("a",)).items()}
    assert after["b"] == pytest.approx((2 - 1.7) / 3 + (0.2 + 1.7) / 3 * single["b"])
    assert after["</s>"] == pytest.approx((1 - 0.2) / 3 + (0.2 + 1.7) / 3 * single["</s>"])
    assert after["a"] == pytest.approx((0.2 + 1.7) / 3 * single["a"])
    assert 10 ** log10_after(model, ("<s>",))["a"] == pytest.approx((3 - 3) / 3 + 3 / 3 * single["a"])


def test_longer_contexts_predict_held_out_texts_better():
    rng = np.random.default_rng(1)
    syllables = ["ba", "ko", "ni", "tu", "shi"]
    texts = ["".join(rng.choice(syllables, 3)) for _ in range(100)]
    perplexities = [train(texts[:80], order).perplexity(texts[80:]) for order in (1, 2, 3)]
    assert perplexities[1] < 0.7 * perplexities[0]
    assert perplexities[2] <= perplexities[1] * 1.05


def test_perplexity_is_that_of_the_probabilities():
    model = train(["ab", "a"], 2)
    assert model.perplexity(["ab", "b"]) == pytest.approx(10 ** (-(model.score("ab") + model.score("b")) / 5))
    with pytest.raises(ValueError, match="no texts"):
        model.perplexity([])


def test_unusable_texts_and_orders_are_refused():
    with pytest.raises(ValueError, match="no texts to train on"):
        train([], 2)
    with pytest.raises(ValueError, match="order=0"):
        train(["a"], 0)
    with pytest.raises(ValueError, match="holds </s>"):
        train([["a", "</s>"]], 2)
