"""Your model: how features are prepared for an estimator, and estimators that an import path in params.yaml cannot name.

`train.estimator` in params.yaml is the import path of any class with scikit-learn's interface, or the name of a function in this
file that returns an unfitted one, such as

    def stacked() -> BaseEstimator:
        return StackingClassifier([("trees", RandomForestClassifier()), ("linear", LogisticRegression())])
"""

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.utils import get_tags

from lifecycle.core.category_codes import CategoryCodes
from lifecycle.core.column_kinds import column_kinds
from lifecycle.core.date_parts import DateParts
from lifecycle.core.text_terms import TextTerms

MAX_CATEGORIES = 250  # of a feature: of more, each is the mean target of its training rows
TERMS = 200  # of a text feature, at most


def make_preparation(estimator: BaseEstimator, features: pd.DataFrame) -> Any:
    """Return the transformer that makes numbers of features for an estimator. It is fitted when the model is trained.

    Columns without a single value are left out.

    Args:
        estimator: the estimator, not yet fitted.
        features: training rows as `build_features` returns them, without id and target.
    """
    kinds = column_kinds(features, MAX_CATEGORIES)
    categories = {name: sorted(features[name].dropna().unique()) for name in kinds.categories}
    by_target = TargetEncoder(target_type="continuous" if is_regressor(estimator) else "auto")
    texts = [(f"terms of {name}", TextTerms(TERMS), name) for name in kinds.texts]
    if get_tags(estimator).input_tags.allow_nan:  # trees, which split on codes and on whether a value is missing
        codes = CategoryCodes(categories, kinds.numbers)
        if not (kinds.many or kinds.dates or kinds.texts):
            return codes
        steps = [("codes", codes, [*categories, *kinds.numbers]), ("by target", by_target, kinds.many)]
        steps += [("dates", DateParts(), kinds.dates)]
    else:
        one_hot = OneHotEncoder(categories=list(categories.values()), handle_unknown="ignore", sparse_output=False)
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        steps = [
            ("categories", one_hot, kinds.categories),
            ("numbers", make_pipeline(impute, StandardScaler()), kinds.numbers),
            ("by target", make_pipeline(by_target, StandardScaler()), kinds.many),
            ("dates", make_pipeline(DateParts(), impute, StandardScaler()), kinds.dates),
        ]
    return ColumnTransformer([step for step in [*steps, *texts] if step[2]], sparse_threshold=0)
