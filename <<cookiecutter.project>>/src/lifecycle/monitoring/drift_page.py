"""drift.html: the reference and the window side by side, column by column. The only module that uses Evidently."""

import html
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lifecycle.monitoring.drift import Compared

STYLE = "font-family: sans-serif; margin: 2em 2.5em 0; line-height: 1.5"


def load() -> None:
    """Import Evidently, which takes seconds, so that `draw` need not."""
    os.environ["DO_NOT_TRACK"] = "1"  # else it sends usage data
    import evidently.presets  # noqa: F401


def draw(compared: Sequence[Compared], title: str, paragraphs: Sequence[str], path: Path) -> dict[str, float]:
    """Write the page, which needs nothing from the network; return the distances that Evidently has drawn, by column.

    Args:
        compared: the columns, and the score last.
        title, paragraphs: what stands above the plots.
        path: of the page.
    """
    load()
    import evidently
    from evidently.presets import DataDriftPreset

    names = [*(side.column.name for side in compared[:-1]), f"score: {compared[-1].column.name}"]
    kinds = {
        kind: [name for name, side in zip(names, compared, strict=True) if side.column.kind == kind]
        for kind in ("numerical", "categorical")
    }
    definition = evidently.DataDefinition(
        numerical_columns=kinds["numerical"], categorical_columns=kinds["categorical"]
    )
    preset = DataDriftPreset(
        columns=names,
        per_column_method={name: side.column.distance for name, side in zip(names, compared, strict=True)},
        per_column_threshold={name: round(side.threshold, 4) for name, side in zip(names, compared, strict=True)},
        drift_share=1 / len(names),  # any column: so that its headline agrees with ours
    )
    sides = [
        evidently.Dataset.from_pandas(_frame(names, columns), data_definition=definition)
        for columns in ([side.window for side in compared], [side.column.reference for side in compared])
    ]
    snapshot = evidently.Report([preset]).run(*sides)
    snapshot.save_html(str(path))
    above = "".join(f"<p>{html.escape(line)}</p>" for line in paragraphs)
    head = f'<div style="{STYLE}"><h1>{html.escape(title)}</h1>{above}</div>'
    page = path.read_text(encoding="utf-8")
    path.write_text(page.replace("<body>", f"<body>{head}", 1), encoding="utf-8")
    drawn = {metric["config"].get("column"): metric["value"] for metric in snapshot.dict()["metrics"]}
    return {name: float(drawn[name]) for name in names}


def _frame(names: list[str], columns: list[pd.Series]) -> pd.DataFrame:
    return pd.DataFrame({name: values.reset_index(drop=True) for name, values in zip(names, columns, strict=True)})
