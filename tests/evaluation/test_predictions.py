"""Predictions are in the order of the source, whatever the order in which they are added."""

import random

from recog.evaluation.predictions import Prediction, Predictions


def test_predictions_are_a_list_sorted_by_sample():
    made = [Prediction(3 * i, f"label\n{i}", ["", "京A", "\udce4"][i % 3], i / 7) for i in range(200)]
    kept = Predictions()
    for prediction in random.Random(0).sample(made, len(made)):
        kept.add(prediction)
    assert len(kept) == len(made)
    assert list(kept) == made
    assert kept[5:90:7] == made[5:90:7]
    assert [kept[0], kept[-1]] == [made[0], made[-1]]
    kept.add(Prediction(1, "a", "b", 0.5))
    assert kept[1] == Prediction(1, "a", "b", 0.5)


def test_rows_of_outputs_follow_the_order():
    kept = Predictions()
    for index in (7, 2, 5):
        kept.add(Prediction(index, "", "", 0.0))
    assert kept.order.tolist() == [1, 2, 0]
