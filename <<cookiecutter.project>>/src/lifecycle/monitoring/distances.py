"""How far two distributions lie apart, as an effect size: it does not grow with the number of rows.

The figures are those of Evidently, which draws them, because both ask SciPy: the Jensen-Shannon distance of categories
(Endres and Schindelin, 2003) and the Wasserstein distance of numbers, in the reference's standard deviations.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

Kind = Literal["categorical", "numerical"]

DISTANCES: dict[Kind, str] = {"categorical": "jensenshannon", "numerical": "wasserstein"}
FEW = 10  # distinct numbers, up to which they are taken as categories: flags, codes, counts of children
RARE = 10  # rows of the reference, below which a category is counted among the others: chance alone decides on it
MOST = 50  # categories that are told apart
SMALLEST = 0.001  # standard deviation to divide by, as in Evidently
EMPTY, OTHER = "(empty)", "(other)"


@dataclass(frozen=True)
class Column:
    """A column of the reference, ready to be compared with the same column of a window."""

    name: str
    kind: Kind
    reference: pd.Series
    """Numbers, NaN where one is missing; or categories as texts, the rare ones as one."""
    categories: frozenset[str] = frozenset()

    @property
    def distance(self) -> str:
        return DISTANCES[self.kind]

    def like(self, values: pd.Series) -> pd.Series:
        """Return a window's values as the reference has its own."""
        return values.astype("float64") if self.kind == "numerical" else _grouped(texts(values), self.categories)

    def distance_to(self, values: pd.Series) -> float | None:
        """Return the distance of a window's values, of which `like` has been asked; None if all are missing."""
        if self.kind == "categorical":
            shares = [side.value_counts(normalize=True) for side in (self.reference, values)]
            both = pd.concat(shares, axis=1).fillna(0.0)
            with np.errstate(invalid="ignore"):  # of equal shares, the root of a little less than nothing
                return float(np.nan_to_num(jensenshannon(both.iloc[:, 0], both.iloc[:, 1])))
        one, other = self.reference.dropna().to_numpy(), values.dropna().to_numpy()
        return float(wasserstein_distance(one, other)) / self.deviation if len(other) else None

    @property
    def deviation(self) -> float:
        return max(float(np.std(self.reference.dropna())), SMALLEST)


def column(name: str, values: pd.Series) -> Column | None:
    """Return a column of the reference; None if all its values are missing, so that there is nothing to compare with."""
    if values.notna().sum() == 0:
        return None
    if pd.api.types.is_float_dtype(values.dtype) and values.nunique() > FEW:
        return Column(name, "numerical", values)
    named = texts(values)
    counts = named.value_counts()
    categories = frozenset(counts[counts >= RARE].index[:MOST])
    return Column(name, "categorical", _grouped(named, categories), categories)


def texts(values: pd.Series) -> pd.Series:
    """Return values as the names of categories; one that is missing is a category as well."""
    if pd.api.types.is_float_dtype(values.dtype):
        named = values.map("{:.10g}".format, na_action="ignore")
    else:
        named = values.astype(object).map(str, na_action="ignore")
    return named.astype(object).where(values.notna(), EMPTY)


def _grouped(named: pd.Series, categories: frozenset[str]) -> pd.Series:
    return named.where(named.isin(categories), OTHER)
