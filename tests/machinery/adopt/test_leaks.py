import numpy as np
import pandas as pd
import pytest

from lifecycle.adopt.leaks import HIGH, LEAK, copies, single_column_scores

GENERATOR = np.random.default_rng(1)
ROWS = 3000
X = GENERATOR.normal(size=ROWS)
TARGETS = {
    "binary": (X + GENERATOR.normal(size=ROWS) > 0).astype(float),
    "multiclass": np.digitize(X + GENERATOR.normal(size=ROWS), [-0.5, 0.5]).astype(float),
    "regression": X + GENERATOR.normal(size=ROWS),
}


@pytest.mark.parametrize("task", TARGETS)
def test_a_column_that_gives_the_target_away_is_told_from_one_that_helps(task: str) -> None:
    target = pd.Series(TARGETS[task])
    sample = pd.DataFrame(
        {
            "helps": X,
            "noise": GENERATOR.normal(size=ROWS),
            "a function of it": 7 - 2 * target,
            "almost": target.where(GENERATOR.random(ROWS) > 0.001, target.mean()),
            "known for some": target.where(GENERATOR.random(ROWS) > 0.5),
        }
    )

    scores = single_column_scores(sample, target, task, seed=0)

    assert {name for name, score in scores.items() if score >= LEAK} == {"a function of it", "almost"}
    assert scores["helps"] < HIGH
    assert abs(scores["noise"]) < 0.2 or task == "regression"


def test_a_copy_is_told_from_the_column_it_copies() -> None:
    sample = pd.DataFrame({"a": X, "b": X + 1, "c": X})

    assert copies(sample) == {"c": "a"}
