import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import commit_of
from lifecycle.gate.staleness import difference


@pytest.mark.parametrize(
    ("committed", "recomputed", "says"),
    [
        ('{"roc_auc": 0.848297}', '{"roc_auc": 0.848297}', ""),
        ('{"roc_auc": 0.848297}', '{"roc_auc": 0.848298}', ""),
        ('{"roc_auc": 0.948297}', '{"roc_auc": 0.848297}', "says 0.948297 where recomputing gives 0.848297"),
        ('{"roc_auc": 8.5e-1}', '{"roc_auc": 0.85}', ""),
        ('{"change": -0.5}', '{"change": 0.5}', "says -0.5 where recomputing gives 0.5"),
        ('{"roc_auc": NaN}', '{"roc_auc": 0.85}', "is not what recomputing gives"),
        ('{"roc_auc": "0.85"}', '{"roc_auc": 0.85}', "is not what recomputing gives"),
        ('{"roc": 0.85}', '{"roc_auc": 0.85}', "is not what recomputing gives"),
        ('{"roc_auc": 0.85, "f1": 0.5}', '{"roc_auc": 0.85}', "is not what recomputing gives"),
        ("a fine model", "a poor model", "is not what recomputing gives"),
        ("", "0.85", "is not what recomputing gives"),
    ],
)
def test_numbers_may_differ_by_the_tolerance_and_nothing_else_may(committed: str, recomputed: str, says: str) -> None:
    assert difference(committed, recomputed, tolerance=0.0001) == says


@pytest.mark.parametrize("revision", ["no-such-branch", "", "--all", "HEAD:params.yaml"])
def test_an_unknown_revision_is_refused(revision: str) -> None:
    with pytest.raises(ConfigError, match="git knows no such revision here; fetch it"):
        commit_of(revision)
