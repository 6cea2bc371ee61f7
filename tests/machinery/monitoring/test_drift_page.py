"""The page shows the figures that were baselined, and needs nothing from the network."""

import re
from pathlib import Path

import pytest

from lifecycle.core.config import Params
from lifecycle.monitoring import drift_page
from machinery.monitoring import lab


def test_the_distances_drawn_are_those_that_were_baselined(params: Params, tmp_path: Path) -> None:
    pytest.importorskip("evidently", reason="comes with the extra `monitor`")
    baseline = lab.baseline(tmp_path / "4", lab.of_task(params, "binary"), lab.settings())
    window = lab.logged_rows(700, 2, baseline.params)
    window["inputs.age"] += 5
    compared = baseline.comparison().of(window)

    drawn = drift_page.draw(compared, "the <title>", ["a & b"], tmp_path / "drift.html")

    assert list(drawn.values()) == pytest.approx([column.value for column in compared], abs=1e-9)
    page = (tmp_path / "drift.html").read_text()
    assert "<h1>the &lt;title&gt;</h1><p>a &amp; b</p>" in page
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", page) == []
