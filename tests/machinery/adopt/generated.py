"""Tables that no public data set has, made by a seed and written to a file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd


def _random(seed: int, rows: int) -> tuple[np.random.Generator, np.ndarray]:
    """A generator, and a number by which rows differ that a model can learn from."""
    random = np.random.default_rng(seed)
    return random, random.normal(size=rows)


def repeated_rows(folder: Path) -> Path:
    """No id, few distinct values, and a tenth of the rows twice."""
    random, signal = _random(1, 900)
    table = pd.DataFrame(
        {"grade": np.digitize(signal, [-1, 0, 1]), "colour": random.choice(["red", "green", "blue"], 900)}
    )
    table["bought"] = np.where(signal + random.normal(size=900) > 0.5, "yes", "no")
    path = folder / "repeated.csv"
    pd.concat([table, table.head(90)]).to_csv(path, index=False)
    return path


def odd_names(folder: Path) -> Path:
    """Names with spaces, units, quotes, a leading digit, and those of attributes of a data frame."""
    random, signal = _random(2, 1600)
    built = pd.Timestamp("1950-01-01") + pd.to_timedelta(random.integers(0, 25_000, 1600), "D")
    table = pd.DataFrame(
        {
            "area (m²)": np.exp(signal).round(2),
            "no. of rooms": random.integers(1, 7, 1600),
            "zone/Größe": random.choice(["Nord", "Süd", 'O\'Hara; "Ost"', "two\nlines"], 1600),
            "built on": built.strftime("%d.%m.%Y"),
            "has.lift": random.choice(["true", "false", ""], 1600),
            "share %": [f"{value:.1f}%".replace(".", ",") for value in random.uniform(0, 100, 1600)],
            "size": random.normal(size=1600).round(2),
            "2nd_floor": random.integers(0, 2, 1600),
            "1e3": [f"{number:05d}" for number in random.integers(0, 40, 1600)],
            "Preis in €": (1000 * np.exp(signal) + random.normal(size=1600)).round(2),
        }
    )
    path = folder / "odd names.csv"
    table.to_csv(path, index=False, sep=";", decimal=",")
    return path


def zones(folder: Path) -> Path:
    """Dates in a zone, dates without time, decimals, and categories; four classes of unequal size."""
    random, signal = _random(3, 1200)
    table = pd.DataFrame(
        {
            "seen": pd.date_range("2024-03-01", periods=1200, freq="37min", tz="Europe/Berlin")[
                random.permutation(1200)
            ],
            "day": pd.Series(pd.date_range("2020-01-01", periods=1200))[random.permutation(1200)].dt.date.to_numpy(),
            "channel": pd.Categorical(random.choice(["web", "shop", "phone"], 1200)),
            "signal": signal.astype("float32"),
            "outcome": np.select([signal > 1.5, signal > 0.5, signal > -0.5], ["won", "open", "lost"], "none"),
        }
    )
    path = folder / "zones.parquet"
    table.to_parquet(path, index=False)
    return path


def parts(folder: Path) -> Path:
    """A folder of Parquet parts, the target in numbers with nulls."""
    random, signal = _random(4, 2400)
    table = pd.DataFrame({"key": [f"k{number:06d}" for number in random.permutation(2400)], "x": signal})
    table["group"] = random.choice(["a", "b"], 2400)
    table["y"] = pd.Series(3 * signal + random.normal(size=2400)).mask(random.random(2400) < 0.05)
    path = folder / "parts"
    path.mkdir()
    for number in range(3):
        table[number::3].to_parquet(path / f"part-{number}.parquet", index=False)
    return path


def nullable_booleans(folder: Path) -> Path:
    """Booleans with nulls, a boolean target, an empty column, a constant and a copy."""
    random, signal = _random(5, 700)
    flag = pd.Series(signal + random.normal(size=700) > 0)
    table = pd.DataFrame({"number": range(700), "flag": flag.astype("boolean").mask(random.random(700) < 0.2)})
    table["count"] = pd.Series(random.integers(0, 900, 700)).astype("Int64").mask(random.random(700) < 0.1)
    table["same count"] = table["count"]
    table["empty"] = pd.Series([None] * 700, dtype="float64")
    table["constant"] = "x"
    table["accepted"] = signal > 0.4
    path = folder / "booleans.parquet"
    table.to_parquet(path, index=False)
    return path


def rare_class(folder: Path) -> Path:
    """Twelve positives among 200 rows."""
    random, signal = _random(6, 200)
    fraud = np.zeros(200, dtype=int)
    fraud[np.argsort(signal + 0.7 * random.normal(size=200))[-12:]] = 1
    table = pd.DataFrame({"amount": np.exp(signal).round(2), "country": random.choice(["DE", "NO", "FR"], 200)})
    path = folder / "rare.csv"
    table.assign(fraud=fraud).to_csv(path, index=False)
    return path


TABLES: list[tuple[Callable[[Path], Path], str, str]] = [
    (repeated_rows, "bought", "binary"),
    (odd_names, "Preis in €", "regression"),
    (zones, "outcome", "multiclass"),
    (parts, "y", "regression"),
    (nullable_booleans, "accepted", "binary"),
    (rare_class, "fraud", "binary"),
]
"""How a table is written; its target and its task."""
