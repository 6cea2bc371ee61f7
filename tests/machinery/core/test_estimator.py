"""An estimator is added in one file, the user's model.py; what it cannot do or may not hold is one line."""

import importlib
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core import model_file, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.estimator import make_estimator
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit

PACKAGE = "adds_estimators"
ADDED = """
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.svm import LinearSVC


class Mark:
    pass


class MarkedTrees(ExtraTreesClassifier):
    def fit(self, features, target):
        if self.min_samples_leaf == 7:
            raise KeyError("a mistake in the code of this estimator")
        self.mark_ = Mark()
        return super().fit(features, target)


ESTIMATORS["classification"] |= {
    "extra_trees": ExtraTreesClassifier, "gradient_boosting": GradientBoostingClassifier, "linear_svc": LinearSVC,
    "marked_trees": MarkedTrees,
}
"""


@pytest.fixture(scope="module")
def package(params: Params, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A user's package whose model.py has more estimators."""
    src = tmp_path_factory.mktemp("src")
    (src / PACKAGE).mkdir()
    for name in ("__init__", "features", "model", "checks"):
        source = Path("src", params.package, f"{name}.py").read_text()
        (src / PACKAGE / f"{name}.py").write_text(source + (ADDED if name == "model" else ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(src)
        importlib.import_module(f"{PACKAGE}.model")
    return PACKAGE


def of(params: Params, estimator: str, package: str = "", **settings: object) -> Params:
    """Return params that choose an estimator and its settings."""
    train = params.train.model_copy(update={"estimator": estimator, estimator: settings})
    return params.model_copy(update={"train": train, "package": package or params.package})


@pytest.mark.parametrize("estimator", ["extra_trees", "gradient_boosting"])
def test_an_estimator_added_to_model_py_is_trained_saved_and_loaded(
    features: pd.DataFrame, table: pd.DataFrame, inputs: list[str], params: Params, package: str, tmp_path: Path,
    estimator: str,
) -> None:  # fmt: skip
    params = of(params, estimator, package, n_estimators=10)
    assert features[inputs].isna().any(axis=None)  # which gradient_boosting does not take

    fitted = fit(features, inputs, params)
    model_file.save(fitted, tmp_path / "model.skops", package)

    predictions = predict(model_file.load(tmp_path / "model.skops", package), table[inputs], params)
    pd.testing.assert_frame_equal(predictions, predict(fitted, table[inputs], params), check_exact=True)


def test_a_type_that_is_not_trusted_is_named_and_leaves_no_file(
    features: pd.DataFrame, inputs: list[str], params: Params, package: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fitted = fit(features, inputs, of(params, "marked_trees", package, n_estimators=10))

    with pytest.raises(ConfigError) as error:
        model_file.save(fitted, tmp_path / "model.skops", package)

    assert (error.value.exit_code, list(tmp_path.iterdir())) == (2, [])
    named = [f"{package}.model.Mark", f"{package}.model.MarkedTrees"]
    assert f"not trusted in a model file: {', '.join(named)}; to trust them, add them to TRUSTED_TYPES" in str(
        error.value
    )

    monkeypatch.setattr(model := user_code.load(package, "model"), "TRUSTED_TYPES", [*model.TRUSTED_TYPES, *named])
    model_file.save(fitted, tmp_path / "model.skops", package)


def test_a_mistake_in_an_estimators_code_is_a_traceback(
    features: pd.DataFrame, inputs: list[str], params: Params, package: str
) -> None:
    with pytest.raises(KeyError, match="a mistake in the code"):
        fit(features, inputs, of(params, "marked_trees", package, min_samples_leaf=7))


@pytest.mark.parametrize(
    ("estimator", "settings", "complaint"),
    [
        ("hist_gradient_boosting", {"learning_rat": 0.1}, "train.hist_gradient_boosting: Invalid parameter 'learning_rat'"),
        ("hist_gradient_boosting", {"learning_rate": -1}, "'learning_rate' parameter"),
        ("logistic_regression", {"C": "big"}, "'C' parameter"),
        ("gradient_boosting", {"n_estimators": 0}, "'n_estimators' parameter"),
        ("ridge", {}, "train.estimator ridge is not in ESTIMATORS of src/adds_estimators/model.py for binary"),
        ("linear_svc", {}, "LinearSVC has no predict_proba, and a binary task needs probabilities"),
    ],
)  # fmt: skip
def test_what_an_estimator_refuses_is_refused_before_training(
    params: Params, package: str, estimator: str, settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigError) as error:
        make_estimator(of(params, estimator, package, **settings))

    assert str(error.value).startswith("params.yaml: train.")
    assert complaint in str(error.value)


@pytest.mark.parametrize(("section", "hint"), [("random_forrest", " (did you mean random_forest?)"), ("xyz", "")])
def test_a_section_of_no_estimator_is_refused(params: Params, section: str, hint: str) -> None:
    train = params.train.model_copy(update={section: {"max_depth": 3}})

    with pytest.raises(ConfigError) as error:
        make_estimator(params.model_copy(update={"train": train}))

    assert f"train.{section} is not in ESTIMATORS of src/{params.package}/model.py{hint}; add it" in str(error.value)
