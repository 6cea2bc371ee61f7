"""Which features are numbers, categories, free text or dates: by their types, and by the values of the training rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

FEW = 50  # different texts of a column that are categories, however few rows each has
SHARE = 0.1  # of different texts among all, up to which more of them are categories as well
WORDS = 3  # on average, from which a column of other texts is free text
LOOKED_AT = 1000  # different texts whose words are counted


@dataclass(frozen=True)
class ColumnKinds:
    """The names of the features by kind. One without a single value is in no list."""

    numbers: list[str] = field(default_factory=list)
    """Booleans as well."""
    categories: list[str] = field(default_factory=list)
    many: list[str] = field(default_factory=list)
    """Categories with more than a given number of different values."""
    texts: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)


def column_kinds(features: pd.DataFrame, most: int) -> ColumnKinds:
    """Return the kind of each feature.

    Free text is a column of type `str`, or of a category whose values the contract does not list, with many different values of
    several words.

    Args:
        features: training rows as `build_features` returns them, without id and target.
        most: different values of a category that is not one of `many`.
    """
    kinds = ColumnKinds()
    for column in features:
        values, name = features[column], str(column)
        if not values.notna().any() or pd.api.types.is_timedelta64_dtype(values):
            continue
        if pd.api.types.is_datetime64_any_dtype(values):
            kinds.dates.append(name)
        elif pd.api.types.is_numeric_dtype(values):
            kinds.numbers.append(name)
        else:
            _list_of_texts(values, most, kinds).append(name)
    return kinds


def has_many_words(texts: Iterable[object]) -> bool:
    """Return whether texts have several words on average."""
    words = [len(str(text).split()) for text in texts]
    return sum(words) >= WORDS * max(len(words), 1)


def has_few_values(distinct: int, rows: int) -> bool:
    """Return whether so many different texts in so many rows are categories."""
    return distinct <= max(FEW, SHARE * rows)


def _list_of_texts(values: pd.Series, most: int, kinds: ColumnKinds) -> list[str]:
    """The list that a column of texts belongs to."""
    distinct = values.dropna().unique()
    if not has_few_values(len(distinct), int(values.notna().sum())) and has_many_words(distinct[:LOOKED_AT]):
        return kinds.texts
    return kinds.many if len(distinct) > most else kinds.categories
