"""How far two distributions lie apart, as an effect size: it does not grow with the number of rows.

The values equal those of Evidently, which draws them, because both use SciPy: the Jensen-Shannon distance of categories
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
FEW_VALUES = 10  # distinct numbers, up to which they are categories: flags, codes, small counts
RARE_ROWS = 10  # rows of the reference, below which a category is one of the others: its share is mostly chance
MAX_CATEGORIES = 50
MIN_DEVIATION = 0.001  # standard deviation to divide by, as in Evidently
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
        """Return a window's values in the form of the reference's."""
        return values.astype("float64") if self.kind == "numerical" else _grouped(texts(values), self.categories)

    def distance_to(self, values: pd.Series) -> float | None:
        """Return the distance of a window's values, in the form that `like` returns; None if all are missing."""
        if self.kind == "categorical":
            counts = [side.value_counts(normalize=True) for side in (self.reference, values)]
            shares = pd.concat(counts, axis=1).fillna(0.0)
            # Rounding may take the root of a tiny negative number where shares are equal.
            with np.errstate(invalid="ignore"):
                return float(np.nan_to_num(jensenshannon(shares.iloc[:, 0], shares.iloc[:, 1])))
        expected, present = self.reference.dropna().to_numpy(), values.dropna().to_numpy()
        return float(wasserstein_distance(expected, present)) / self.deviation if len(present) else None

    @property
    def deviation(self) -> float:
        return max(float(np.std(self.reference.dropna())), MIN_DEVIATION)


def reference_column(name: str, values: pd.Series) -> Column | None:
    """Return a column of the reference; None if all its values are missing."""
    if values.notna().sum() == 0:
        return None
    if pd.api.types.is_float_dtype(values.dtype) and values.nunique() > FEW_VALUES:
        return Column(name, "numerical", values)
    named = texts(values)
    counts = named.value_counts()
    categories = frozenset(counts[counts >= RARE_ROWS].index[:MAX_CATEGORIES])
    return Column(name, "categorical", _grouped(named, categories), categories)


def texts(values: pd.Series) -> pd.Series:
    """Return values as the names of categories; a missing value is a category as well."""
    if pd.api.types.is_float_dtype(values.dtype):
        named = values.map("{:.10g}".format, na_action="ignore")
    else:
        named = values.astype(object).map(str, na_action="ignore")
    return named.astype(object).where(values.notna(), EMPTY)


def _grouped(named: pd.Series, categories: frozenset[str]) -> pd.Series:
    return named.where(named.isin(categories), OTHER)
