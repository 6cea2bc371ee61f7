"""A shadow is compared with production for any task, whatever the type of its labels."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from lifecycle.core.times import Window
from lifecycle.serving.compare import compare

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
WINDOW = Window(NOON, NOON + datetime.timedelta(hours=1))


def write(folder: Path, production: list[dict[str, Any]], shadow: list[dict[str, Any]], labels: list[Any]) -> None:
    """Write a log of production, version 1, and of its shadow, version 2."""
    day = folder / "2026-03-01"
    day.mkdir()
    time = NOON.isoformat(timespec="milliseconds")
    answers = []
    for version, role, side in ((1, "production", production), (2, "shadow", shadow)):
        for place, answer in enumerate(side):
            head = {"time": time, "version": version, "role": role, "request_id": f"r{place}", "milliseconds": 1.0}
            answers.append(head | {"inputs": {"x": 1, "label": 3}} | answer)
    feedback = [{"time": time, "request_id": f"r{place}", "label": label} for place, label in enumerate(labels)]
    for name, lines in (("a.jsonl", answers), ("a.feedback.jsonl", feedback)):
        (day / name).write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def several(label: Any, **probabilities: float) -> dict[str, Any]:
    return {"label": label, "probabilities": probabilities}


def test_several_classes_are_compared_by_label_probabilities_and_log_loss(tmp_path: Path) -> None:
    production = [several("a", a=0.5, b=0.3, c=0.2), several("a", a=0.6, b=0.3, c=0.1)]
    shadow = [several("b", a=0.1, b=0.8, c=0.1), several("a", a=0.6, b=0.3, c=0.1)]
    write(tmp_path, production, shadow, ["b", "a"])

    text = compare(tmp_path, WINDOW, None)

    assert "another label     1 rows (50.00%)" in text
    assert "scores apart by   0.2500 on average" in text  # the class b of the first row: 0.3 and 0.8
    assert "mean score" not in text
    assert "2 with labels  accuracy 1.0000, production 0.5000; log loss 0.3670, production 0.8574" in text


def test_a_class_that_only_the_shadow_knows_has_no_probability_in_production(tmp_path: Path) -> None:
    write(tmp_path, [several("a", a=0.7, b=0.3)], [several("c", a=0.1, b=0.1, c=0.8)], ["c"])

    text = compare(tmp_path, WINDOW, None)

    assert "scores apart by   0.8000 on average" in text
    assert "accuracy 1.0000, production 0.0000; log loss 0.2231, production 34.5388" in text


@pytest.mark.parametrize("names", [(1, 2, 3), (1.0, 2.0, 3.0), ("1", "2", "3"), ("1.0", "2.0", "3.0")])
@pytest.mark.parametrize("label", [2, 2.0])
def test_numbers_are_the_same_class_however_they_are_written(
    tmp_path: Path, names: tuple[Any, ...], label: float
) -> None:
    answer = {"label": names[1], "probabilities": dict(zip(map(str, names), (0.25, 0.5, 0.25), strict=True))}
    write(tmp_path, [answer], [answer], [label])

    assert "1 with labels  accuracy 1.0000, production 1.0000; log loss 0.6931" in compare(tmp_path, WINDOW, None)


@pytest.mark.parametrize(
    ("label", "positive"), [(True, "True"), (1, "1"), (1.0, "1"), (1, "1.0"), ("Yes", "Yes"), ('a "b"', 'a "b"')]
)
def test_the_positive_class_may_be_of_any_type(tmp_path: Path, label: Any, positive: str) -> None:
    answer = {"label": label, "probability": 0.75}
    write(tmp_path, [answer], [answer | {"probability": 0.5}], [label])

    text = compare(tmp_path, WINDOW, positive)

    assert "mean score        0.5000, production 0.7500" in text
    assert "accuracy 1.0000, production 1.0000; log loss 0.6931, production 0.2877" in text


def test_predicted_numbers_are_compared_by_their_errors(tmp_path: Path) -> None:
    write(tmp_path, [{"prediction": 10.0}, {"prediction": 7.0}], [{"prediction": 11.0}, {"prediction": 7.0}], [12, "?"])

    text = compare(tmp_path, WINDOW, None)

    assert "mean score        9.0000, production 8.5000" in text
    assert "1 with labels  mean absolute error 1.0000, production 2.0000" in text
    assert "another label" not in text


def test_without_labels_it_says_where_they_come_in(tmp_path: Path) -> None:
    write(tmp_path, [several("a", a=1.0)], [several("a", a=1.0)], [])

    assert compare(tmp_path, WINDOW, None).endswith("no labels yet: they come in through /feedback")
