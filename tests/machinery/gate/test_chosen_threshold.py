"""What the report says of a decision threshold that training has chosen."""

from typing import Any

import pytest

from lifecycle.gate.chosen_threshold import chosen_threshold


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        ({"old": 0.5612, "new": 0.4368}, "Decision threshold: 0.4368, chosen on validation rows (base: 0.5612)"),
        ({"new": 0.4368}, "Decision threshold: 0.4368, chosen on validation rows"),
        ({"old": None, "new": 0.4368}, "Decision threshold: 0.4368, chosen on validation rows"),
        ({"old": 0.5612, "new": None}, ""),
        ({"new": "0.4"}, ""),
        ({}, ""),
    ],
)
def test_a_chosen_threshold_stands_beside_the_base_s(figure: dict[str, Any], line: str) -> None:
    assert chosen_threshold({"metrics/validation.json": {"threshold": figure}}) == line
