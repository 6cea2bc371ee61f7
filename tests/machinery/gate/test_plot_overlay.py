"""Both sides' plots on one grid."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifecycle.core import config
from lifecycle.core.files import write_json
from lifecycle.gate import plot_overlay
from lifecycle.gate.plot_overlay import overlay

ROC = [{"false_positive_rate": x, "true_positive_rate": x**0.5, "chance": x} for x in np.linspace(0, 1, 101).tolist()]


def lines(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, base: Any, branch: Any
) -> dict[tuple[str, str], list[float]]:
    """What is drawn of a plot, by side and group; `base` is what its commit contains."""
    text = base if base is None or isinstance(base, str) else json.dumps(base)
    monkeypatch.setattr(plot_overlay, "text_at", lambda commit, path: text if path.stem == name else None)
    write_json(branch, folder / config.PLOTS / f"{name}.json")
    plots = overlay("a" * 40, folder)
    return {(line["side"], line["group"]): line["values"] for line in plots.get(name, {"lines": []})["lines"]}


def test_curves_of_both_sides_have_one_grid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = lines(monkeypatch, tmp_path, "roc", ROC, ROC[::10])

    assert list(drawn) == [("base", ""), ("branch", ""), ("reference", "")]
    assert len({len(values) for values in drawn.values()}) == 1
    assert drawn["base", ""][::25] == drawn["branch", ""][::25] == [0.0, 1.0]


def test_calibration_is_drawn_as_what_the_outcome_exceeds_the_prediction_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    base, branch = (
        [{"predicted": 0.2, "actual": 0.3}, {"predicted": 0.8, "actual": 0.8}],
        [{"predicted": 0.1, "actual": 0.0}] * 2,
    )

    drawn = lines(monkeypatch, tmp_path, "calibration", base, branch)

    assert drawn == {("base", ""): [0.1, 0.0], ("branch", ""): [-0.1, -0.1], ("reference", ""): [0.0, 0.0]}


@pytest.mark.parametrize(("groups", "expected"), [("ny", ["n", "y"]), ("abc", [""])])
def test_a_distribution_has_a_line_for_each_of_two_groups_and_one_for_the_mean_of_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, groups: str, expected: list[str]
) -> None:
    points = [{"group": group, "value": x, "share": 0.5} for group in groups for x in (0.1, 0.9)]

    drawn = lines(monkeypatch, tmp_path, "distribution", points, points)

    assert list(drawn) == [(side, group) for side in ("base", "branch") for group in expected]
    assert all(value == 0.5 for values in drawn.values() for value in values)


@pytest.mark.parametrize(
    "base", [None, "{", "[1]", [{"x": 1}], [{"false_positive_rate": float("nan"), "true_positive_rate": 1}]]
)
def test_a_base_without_a_plot_that_can_be_read_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, base: Any
) -> None:
    assert list(lines(monkeypatch, tmp_path, "roc", base, ROC)) == [("branch", ""), ("reference", "")]


@pytest.mark.parametrize(
    "branch",
    [
        [],
        3,
        [{"value": 1, "share": 2}],
        [{"group": [], "value": 1, "share": 2}],
        [{"group": "", "value": 10**400, "share": 1}],
    ],
)
def test_a_plot_of_the_branch_that_cannot_be_read_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, branch: Any
) -> None:
    assert lines(monkeypatch, tmp_path, "distribution", None, branch) == {}


def test_a_branch_without_plots_has_none(tmp_path: Path) -> None:
    assert overlay(None, tmp_path) == {}
