"""Categories as numbers, for estimators that split on them."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator


class CategoryCodes(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Each category as its position among the known ones (NaN for any other), followed by the numeric columns unchanged.

    The result equals that of a ColumnTransformer with an OrdinalEncoder, which for a single row takes longer than the
    rest of the prediction.
    """

    def __init__(self, categories: dict[str, list[Any]], numeric: list[str]) -> None:
        """`categories`: the known values of each categorical column; `numeric`: the other columns."""
        self.categories = categories
        self.numeric = numeric

    def fit(self, features: pd.DataFrame, target: Any = None) -> "CategoryCodes":
        """Learn nothing: the categories are given."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of the result, which are those of the features."""
        return np.array([*self.categories, *self.numeric], dtype=object)

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Return an array of float64, shape (rows, categorical and numeric columns, in this order)."""
        # Private to pandas, but `features[name]` for each of them takes longer than all the rest.
        arrays = features._iter_column_arrays()  # type: ignore[operator]  # unknown to pandas-stubs
        columns = dict(zip(features.columns, arrays, strict=True))
        matrix = np.empty((len(features), len(self.categories) + len(self.numeric)))
        for position, (name, categories) in enumerate(self.categories.items()):
            codes = {value: float(code) for code, value in enumerate(categories)}
            values = columns[name]
            if isinstance(values, pd.Categorical):
                own_codes = [codes.get(value, np.nan) for value in values.categories]
                matrix[:, position] = np.array([*own_codes, np.nan])[values.codes]  # a null's code is -1, the last
            else:
                matrix[:, position] = [codes.get(value, np.nan) for value in values]
        for position, name in enumerate(self.numeric, start=len(self.categories)):
            values = columns[name]
            if not isinstance(values, np.ndarray) or values.dtype.kind not in "iufb":
                values = features[name].to_numpy(dtype="float64", na_value=np.nan)
            matrix[:, position] = values
        return matrix
