"""Free text as numbers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from lifecycle.core import text_terms
from lifecycle.core.text_terms import TextTerms

TEXTS = pd.Series(
    ["the line is slow", "the bill is wrong", None, "the line is down", "slow line, wrong bill", "the line is slow"]
)


def test_the_numbers_are_those_of_scikit_learn_and_a_missing_text_has_none() -> None:
    matrix = TextTerms(4).fit(TEXTS).transform(TEXTS).toarray()

    vectorizer = TfidfVectorizer(max_features=4, max_df=0.5, sublinear_tf=True)
    np.testing.assert_array_equal(matrix, vectorizer.fit_transform(TEXTS.fillna("")).toarray())
    assert {*vectorizer.get_feature_names_out()} == {"bill", "down", "slow", "wrong"}
    assert (matrix[2] == 0).all()


def test_a_row_alone_has_the_numbers_that_it_has_among_others() -> None:
    terms = TextTerms().fit(TEXTS)

    together = terms.transform(TEXTS).toarray()

    for row in range(len(TEXTS)):
        np.testing.assert_array_equal(terms.transform(TEXTS.iloc[[row]]).toarray()[0], together[row])


def test_texts_without_a_term_are_no_column() -> None:
    terms = TextTerms().fit(pd.Series(["- -", "* *", None]))

    assert terms.transform(TEXTS).shape == (len(TEXTS), 0)


def test_terms_are_taken_from_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_terms, "ROWS", 3)

    terms = TextTerms().fit(TEXTS)  # every second one

    assert "down" not in terms.vectorizer_.vocabulary_
