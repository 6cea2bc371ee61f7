"""Free text as numbers."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer

ROWS = 100_000  # training rows, at most, from which the terms are taken
TOO_COMMON = 0.5  # share of the texts above which a term says nothing


class TextTerms(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The TF-IDF of the most frequent terms of a column of texts, without those in more than half of the texts.

    A missing text has no terms. Equal texts are read once.
    """

    def __init__(self, terms: int = 200) -> None:
        """`terms`: how many at most; each becomes a column."""
        self.terms = terms

    def fit(self, texts: pd.Series, target: Any = None) -> "TextTerms":
        """Learn the terms, and in how many texts each is, from rows at even distances. `texts` has shape (rows,)."""
        step = -(-len(texts) // ROWS)
        vectorizer = TfidfVectorizer(max_features=self.terms, max_df=TOO_COMMON, sublinear_tf=True)
        try:
            self.vectorizer_ = vectorizer.fit(_present(texts.iloc[::step]))
        except ValueError:  # it found no term
            self.vectorizer_ = None
        self.column_ = str(texts.name)
        return self

    def transform(self, texts: pd.Series) -> csr_matrix:
        """Return a sparse matrix of float64, shape (rows, terms)."""
        if self.vectorizer_ is None:
            return csr_matrix((len(texts), 0), dtype=np.float64)
        places, distinct = pd.factorize(_present(texts))
        return self.vectorizer_.transform(distinct)[places]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of the matrix: that of the column of texts, and the term."""
        terms = [] if self.vectorizer_ is None else self.vectorizer_.get_feature_names_out()
        return np.array([f"{self.column_} {term}" for term in terms], dtype=object)


def _present(texts: pd.Series) -> pd.Series:
    return texts.astype(object).where(texts.notna(), "").astype(str).astype(object)
