"""Any estimator is named by its import path or a function of the user's model.py; what it cannot do is one line."""

import importlib
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import Ridge

from lifecycle.core import model_file, parameter_names, user_code
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.estimator import make_estimator
from lifecycle.core.predict import predict
from lifecycle.pipeline.train import fit

PACKAGE = "adds_estimators"
ADDED = """
from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB


class Mark:
    pass


class MarkedTrees(ExtraTreesClassifier):
    def fit(self, features, target):
        if self.min_samples_leaf == 7:
            raise KeyError("a mistake in the code of this estimator")
        self.mark_ = Mark()
        return super().fit(features, target)


def stacked():
    return StackingClassifier([("trees", ExtraTreesClassifier(n_estimators=5)), ("bayes", GaussianNB())])


def searched():
    return GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=3)


def nothing():
    return None
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
    """Return params that choose an estimator and its parameters."""
    train = params.train.model_copy(update={"estimator": estimator, "parameters": settings})
    return params.model_copy(update={"train": train, "package": package or params.package})


@pytest.mark.parametrize("estimator", ["stacked", "searched"])
def test_a_function_of_model_py_makes_an_estimator(
    features: pd.DataFrame, table: pd.DataFrame, inputs: list[str], params: Params, package: str, tmp_path: Path,
    estimator: str,
) -> None:  # fmt: skip
    params = of(params, estimator, package)

    fitted = fit(features, inputs, params)
    model_file.save(fitted, tmp_path / "model.skops", package)

    predictions = predict(model_file.load(tmp_path / "model.skops", package), table[inputs], params)
    pd.testing.assert_frame_equal(predictions, predict(fitted, table[inputs], params), check_exact=True)


def test_every_random_state_is_the_seed_unless_it_is_set(params: Params, package: str) -> None:
    stacked = make_estimator(of(params, "stacked", package, trees__n_estimators=3)).get_params()
    chosen = make_estimator(of(params, "stacked", package, trees__random_state=1)).get_params()

    assert (stacked["trees__random_state"], stacked["trees__n_estimators"]) == (params.seed, 3)
    assert chosen["trees__random_state"] == 1


def test_the_types_of_an_estimator_are_written_beside_the_model_and_no_others_are_loaded(
    features: pd.DataFrame, inputs: list[str], params: Params, package: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.skops"

    model_file.save(fit(features, inputs, of(params, "MarkedTrees", package, n_estimators=10)), path, package)

    types = path.with_name("trusted_types.txt")
    own = [f"{package}.model.Mark", f"{package}.model.MarkedTrees"]
    assert types.read_text().splitlines() == [*own, "sklearn.tree._tree.Tree"]
    assert model_file.load(path, package)
    types.write_text("sklearn.tree._tree.Tree\n")
    with pytest.raises(DataError, match=r"not a model this project trusts: .*adds_estimators\.model\.Mark"):
        model_file.load(path, package)


def test_a_type_of_another_package_is_named_and_leaves_no_file(
    features: pd.DataFrame, inputs: list[str], params: Params, package: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fitted = fit(features, inputs, of(params, "MarkedTrees", package, n_estimators=10))
    fitted[-1].mark_ = Fraction(1, 3)

    with pytest.raises(ConfigError) as error:
        model_file.save(fitted, tmp_path / "model.skops", package)

    assert (error.value.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "not trusted in a model file: fractions.Fraction; to trust it, add it to TRUSTED_TYPES" in str(error.value)
    listed = ["fractions.Fraction"]
    monkeypatch.setattr(user_code.load(package, "model"), "TRUSTED_TYPES", listed, raising=False)
    model_file.save(fitted, tmp_path / "model.skops", package)


def test_a_mistake_in_an_estimators_code_is_not_blamed_on_its_settings(
    features: pd.DataFrame, inputs: list[str], params: Params, package: str
) -> None:
    with pytest.raises(
        DataError, match=r"MarkedTrees cannot be fitted on the .* rows: KeyError: 'a mistake in the code"
    ):
        fit(features, inputs, of(params, "MarkedTrees", package, min_samples_leaf=7))


@pytest.mark.parametrize(
    ("estimator", "settings", "complaint"),
    [
        ("sklearn.ensemble.HistGradientBoostingClassifier", {"learning_rat": 0.1}, "parameters: learning_rat is not a parameter of HistGradientBoostingClassifier (did you mean learning_rate?)"),
        ("sklearn.ensemble.HistGradientBoostingClassifier", {"learning_rate": -1}, "'learning_rate' parameter"),
        ("sklearn.linear_model.LogisticRegression", {"C": "big"}, "'C' parameter"),
        ("sklearn.linear_model.Ridge", {}, "estimator sklearn.linear_model.Ridge is a regressor, and the task is binary: name a classifier"),
        ("sklearn.svm.LinearSVC", {}, "sklearn.svm.LinearSVC has no predict_proba, and a binary task needs probabilities"),
        ("sklearn.linear_model.Rigde", {}, "sklearn.linear_model has no class Rigde (did you mean Ridge?)"),
        ("sklearn.liner_model.Ridge", {}, "sklearn has no module sklearn.liner_model"),
        ("nowhere.Model", {}, "nowhere is not installed: add it to dependencies in pyproject.toml, then make lock setup"),
        ("sklearn.ensemble.StackingClassifier", {}, "it cannot be made without arguments"),
        ("collections.OrderedDict", {}, "OrderedDict has no scikit-learn interface"),
        ("stackd", {}, "stackd is neither an import path, such as sklearn.linear_model.Ridge, nor a function or class in src/adds_estimators/model.py (did you mean stacked?)"),
        ("nothing", {}, "NoneType has no scikit-learn interface"),
        ("sklearn.preprocessing.StandardScaler", {}, "is neither a classifier nor a regressor"),
    ],
)  # fmt: skip
def test_what_an_estimator_refuses_is_refused_before_training(
    params: Params, package: str, estimator: str, settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigError) as error:
        make_estimator(of(params, estimator, package, **settings))

    assert str(error.value).startswith("params.yaml: train.")
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("estimator", "settings", "complaint"),
    [
        ("lightgbm.LGBMClassifier", {"num_leaves": 6, "max_leaf_nodes": 15}, "num_leaves and max_leaf_nodes are the same parameter of LGBMClassifier: keep one"),
        ("lightgbm.LGBMClassifier", {"max_iter": 6, "num_round": 15}, "max_iter and num_round are the same parameter of LGBMClassifier: keep one"),
        ("lightgbm.LGBMClassifier", {"num_leafs": 6}, "num_leafs is not a parameter of LGBMClassifier (did you mean num_leaves?)"),
        ("lightgbm.LGBMClassifier", {"max_leaf_node": 6}, "max_leaf_node is not a parameter of LGBMClassifier (did you mean num_leaves?)"),
        ("catboost.CatBoostClassifier", {"depth": 6, "max_depth": 4}, "depth and max_depth are the same parameter of CatBoostClassifier: keep one"),
        ("xgboost.XGBClassifier", {"eta": 0.1}, "eta is not a parameter of XGBClassifier"),
    ],
)  # fmt: skip
def test_a_parameter_has_one_name(params: Params, estimator: str, settings: dict[str, object], complaint: str) -> None:
    library = estimator.partition(".")[0]
    pytest.importorskip(library, reason=f"{library} is not installed: tests/test_machinery.py installs it")

    with pytest.raises(ConfigError) as error:
        make_estimator(of(params, estimator, **settings))

    assert str(error.value) == f"params.yaml: train.parameters: {complaint}"


def test_catboosts_further_names_are_those_that_it_has(params: Params) -> None:
    """The table is a copy: CatBoost has the names in its code alone."""
    core = pytest.importorskip("catboost.core", reason="catboost is not installed: tests/test_machinery.py installs it")

    for own, *further in parameter_names.CATBOOST:
        for name in further:
            settings = {name: 1}
            core._process_synonyms(settings)
            assert settings == {own: 1}


@pytest.mark.parametrize(("section", "hint"), [("paramters", " (did you mean parameters?)"), ("xyz", "")])
def test_a_section_of_no_estimator_is_refused(params: Params, section: str, hint: str) -> None:
    train = params.train.model_copy(update={section: {"max_depth": 3}})

    with pytest.raises(ConfigError) as error:
        make_estimator(params.model_copy(update={"train": train}))

    assert str(error.value) == f"params.yaml: train.{section} is not a parameter{hint}"


def test_a_model_py_with_names_for_estimators_still_counts(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the template made it before an import path was enough: each estimator has a name, and a section of its own."""
    named = {"classification": {"trees": ExtraTreesClassifier}, "regression": {"ridge": Ridge}}
    monkeypatch.setattr(user_code.load(params.package, "model"), "ESTIMATORS", named, raising=False)
    train = params.train.model_copy(
        update={"estimator": "trees", "trees": {"n_estimators": 7}, "ridge": {"alpha": 2.0}}
    )

    estimator = make_estimator(params.model_copy(update={"train": train}))

    assert (type(estimator), estimator.n_estimators) == (ExtraTreesClassifier, 7)
    train = train.model_copy(update={"estimator": "ridge"})
    with pytest.raises(
        ConfigError, match=r"train\.estimator ridge is not in ESTIMATORS of src/.*/model\.py for binary"
    ):
        make_estimator(params.model_copy(update={"train": train}))
