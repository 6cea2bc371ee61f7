"""The report on several models: every verdict in its first line, and nothing that a model is called can draw or link."""

from typing import Any

import pytest

from lifecycle.gate import several_models
from lifecycle.gate.pull_request_comment import markdown
from lifecycle.gate.terminal import terminal

ERROR = {"verdict": "undecided", "error": "gates.yaml: not valid YAML"}


def content(**changes: Any) -> dict[str, Any]:
    models = {"top": ERROR, "models/north": {"verdict": "undecided", "error": "a `link`"}}
    return {
        "verdict": "undecided",
        "models": models,
        "untouched": ["models/south"],
        "removed": ["models/west"],
    } | changes


def test_all_verdicts_stand_in_the_first_line() -> None:
    lines = terminal(content()).splitlines()

    assert lines[:4] == [
        "gate: no verdict: 2 models judged: top no verdict, models/north no verdict",
        "- Not judged, for nothing in the branch is about them: models/south",
        "- This branch removes models/west",
        "",
    ]
    assert lines[4:] == [
        "top: no verdict: gates.yaml: not valid YAML",
        "",
        "models/north: no verdict: a `link`",
    ]


def test_what_fails_is_unfolded_and_the_name_of_a_model_is_escaped() -> None:
    hostile = "<img src=x> @all"

    text = markdown(content(models={hostile: ERROR}))

    assert text.startswith("### ⚠️ Gate: no verdict: 1 model judged: ")
    assert "<details open><summary>" in text
    assert "<img" not in text
    assert "@all" not in text


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [(["pass"], "pass"), (["pass", "fail"], "fail"), (["fail", "undecided", "pass"], "undecided")],
)
def test_one_model_that_fails_or_has_no_verdict_decides_for_all(verdicts: list[str], verdict: str) -> None:
    contents = {str(number): {"verdict": one} for number, one in enumerate(verdicts)}

    assert several_models.verdict_of(contents) == verdict


def test_why_there_is_no_verdict_names_the_model() -> None:
    assert several_models.undecided(content(models={"top": {"verdict": "pass"}, "models/north": ERROR})) == (
        "models/north: gates.yaml: not valid YAML"
    )
