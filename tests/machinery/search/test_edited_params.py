"""Only what a search changes is changed in params.yaml."""

from typing import Any

import pytest

from lifecycle.core.files import parse_yaml
from lifecycle.search.edited_params import with_values

TEXT = """\
# Parameters.
data:
  exclude:                    # not given to the model
    - "a"     # indented
    - b
  slices:
  - c
  nulls: ['', "NA"]


train:
  parameters:                 # any of its parameters
    learning_rate: 0.05       # as in the paper
    max_iter: 150
    depth:
    name: 'x'   # quoted
  # calibration: isotonic
evaluate: {threshold: 0.5,   bootstrap: 1000}
"""


@pytest.mark.parametrize(
    ("values", "old", "new"),
    [
        ({"train.parameters.learning_rate": 0.2345678}, "0.05       #", "0.2345678  #"),
        ({"train.parameters.max_iter": 70}, "max_iter: 150", "max_iter: 70"),
        ({"train.parameters.max_iter": None}, "max_iter: 150", "max_iter: null"),
        ({"train.parameters.name": True}, "'x'   #", "true  #"),
        ({"train.parameters.depth": 4}, "depth:", "depth: 4"),
        ({"train.parameters.l2": 1e-05}, "# quoted\n", "# quoted\n    l2: 1e-05\n"),
        ({"evaluate.threshold": 0.25}, "threshold: 0.5,   b", "threshold: 0.25,   b"),
    ],
)
def test_nothing_else_changes(values: dict[str, Any], old: str, new: str) -> None:
    assert old in TEXT

    assert with_values(TEXT, values) == TEXT.replace(old, new)


@pytest.mark.parametrize(
    "text",
    [
        "train: {a: 1}\n",
        "x: &x {a: 1}\ntrain: *x\n",
        "train:\n  b: [1,\n    2]",
        "y: 1\n",
        "train:\n  new: |\n    a\n    b\n",
    ],
)
def test_a_text_that_cannot_be_edited_in_one_place_is_written_with_the_value(text: str) -> None:
    edited = parse_yaml(with_values(text, {"train.new": 3}), "params.yaml")

    assert edited["train"]["new"] == 3
    assert set(edited) == {*parse_yaml(text, "params.yaml"), "train"}
