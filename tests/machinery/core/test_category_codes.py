import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder

from lifecycle.core.category_codes import CategoryCodes


def test_codes_and_numbers_are_those_that_scikit_learn_would_give() -> None:
    categories = {"size": ["large", "small"], "kind": ["a", "b"]}
    frame = pd.DataFrame(
        {
            "kind": pd.Categorical(["b", None, "a", "b"], categories=["b", "c", "a"]),
            "size": pd.Series(["small", "large", None, "huge"], dtype=object),
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            "open": [True, False, True, True],
            "price": [0.5, np.nan, 2.5, 3.5],
        }
    )

    matrix = CategoryCodes(categories, ["count", "open", "price"]).transform(frame)

    encoder = OrdinalEncoder(
        categories=list(categories.values()),
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )
    codes = encoder.fit(frame[list(categories)].astype(object)).transform(frame[list(categories)].astype(object))
    np.testing.assert_array_equal(matrix[:, :2], codes)
    np.testing.assert_array_equal(matrix[:, 2:], [[1, 1, 0.5], [np.nan, 0, np.nan], [3, 1, 2.5], [4, 1, 3.5]])
