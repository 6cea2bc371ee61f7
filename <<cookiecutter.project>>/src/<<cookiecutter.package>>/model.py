"""Your model: how features are prepared for an estimator, and estimators that an import path in params.yaml cannot name.

`train.estimator` in params.yaml is the import path of any class with scikit-learn's interface, or the name of a function in this
file that returns an unfitted one, such as

    def stacked() -> BaseEstimator:
        return StackingClassifier([("trees", RandomForestClassifier()), ("linear", LogisticRegression())])
"""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from lifecycle.core.category_codes import CategoryCodes

MAX_CATEGORIES = 250  # one-hot columns of one feature; the rarest categories share one


def make_preparation(estimator: BaseEstimator, features: pd.DataFrame) -> Any:
    """Return the fitted transformer that encodes and imputes features for an estimator.

    Dates are left out, and so are columns without a single value.

    Args:
        estimator: the estimator, not yet fitted.
        features: training rows as `build_features` returns them, without id and target.
    """
    features = features.loc[:, features.notna().any()]
    categorical = [str(name) for name in features.select_dtypes(["category", "object", "string"])]
    numeric = [str(name) for name in features.select_dtypes(["number", "bool"], exclude=["timedelta"])]
    categories = [sorted(features[name].dropna().unique()) for name in categorical]
    if get_tags(estimator).input_tags.allow_nan:  # trees, which split on codes and on whether a value is missing
        return CategoryCodes(dict(zip(categorical, categories, strict=True)), numeric)
    one_hot = OneHotEncoder(
        categories=categories, handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
    )
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    steps = [("categorical", one_hot, categorical), ("numeric", scaled, numeric)]
    return ColumnTransformer([step for step in steps if step[2]]).fit(features)
