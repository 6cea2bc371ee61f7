"""Training features, contract and params in, and validation rows if a rule chooses the threshold on them; models/model.skops out."""

import pandas as pd
from sklearn.pipeline import Pipeline

from lifecycle.core import config, model_file, predict, user_code
from lifecycle.core.config import Params
from lifecycle.core.entity_history import model_inputs
from lifecycle.core.errors import ConfigError, concerning
from lifecycle.core.estimator import check_probabilities, concerns_settings, make_estimator
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.library_output import refusal, silenced
from lifecycle.core.named_settings import translate
from lifecycle.core.parameter_names import library
from lifecycle.core.preparation import fitted_matrix
from lifecycle.core.row_weights import row_weights, weight_argument
from lifecycle.pipeline import run
from lifecycle.pipeline.calibration import calibrated, described, forget_the_folds
from lifecycle.pipeline.decision import decide, in_words
from lifecycle.pipeline.fitted_state import forget_the_run

MANY_ROWS = 200_000  # training on more takes long enough to show progress


def fit(frame: pd.DataFrame, inputs: list[str], params: Params) -> Pipeline:
    """Return the model fitted on training rows, with the feature function in front.

    The same rows and params give the same model on any number of threads: see `predict.threads`. The number of threads,
    which scikit-learn stores in the model, is reset.

    Args:
        frame: rows as `build_features` returns them, with id and target.
        inputs: the raw columns that are inputs of the model.
        params: the task, the estimator with its settings, and the seed.

    Raises ConfigError if the estimator refuses its settings, or their combination, or they name a column or class that is not there;
    DataError with its reason if it fails otherwise.
    """
    estimator = make_estimator(params)
    if len(frame) > MANY_ROWS and library(type(estimator)) == "sklearn" and "verbose" in estimator.get_params():
        estimator.set_params(verbose=1)
    features, target = frame[params.data.inputs(frame)], frame[params.data.target].to_numpy()
    subject = f"{config.PARAMS}: train: {params.train.estimator} cannot be fitted on the {len(frame):,} training rows"
    with predict.threads(len(frame)), concerning(subject):
        preparation = user_code.get(params.package, "model", "make_preparation")(estimator, features)
        matrix = fitted_matrix(preparation, features, target, params.seed)
        if not matrix.shape[1]:
            raise ConfigError(
                f"no column that {type(estimator).__name__} could learn from: see the columns in {config.CONTRACT}, "
                f"data.exclude in {config.PARAMS}, or add features in src/{params.package}/features.py"
            )
        translate(estimator, preparation, features, target, params)
        plain, estimator = estimator, calibrated(estimator, frame, params)
        weights, argument = row_weights(frame, params), weight_argument(estimator, params)
        settings = params.train.settings
        try:
            with silenced(estimator, settings):
                estimator.fit(matrix, target, **({argument: weights} if argument else {}))
        except Exception as error:  # settings that are each valid, but not together
            if not concerns_settings(error, type(plain)):
                raise
            raise ConfigError(f"params.yaml: {params.train.place}: {refusal(error, plain, settings)}") from error
    check_probabilities(estimator, params)
    forget_the_folds(estimator)
    fitted = Pipeline([("prepare", preparation), ("estimator", estimator)])
    forget_the_run(fitted)
    return predict.with_features(fitted, frame[inputs], user_code.get(params.package, "features", "build_features"))


def main() -> str:
    params = config.load()
    frame, validation = (read_parquet(config.FEATURES / f"{side}.parquet") for side in ("train", "validation"))
    inputs = model_inputs(read_yaml(config.CONTRACT)["columns"], frame, params)
    fitted = fit(frame, inputs, params)
    decide(fitted, validation, validation[params.data.target], params)
    forget_the_run(fitted)  # again: predicting has left its traces
    model_file.save(fitted, config.MODEL, params.package)
    rule = params.train.threshold
    decision = f"threshold {in_words(predict.threshold(fitted, params), None, params)}; " if rule else ""
    return (
        f"fitted {described(fitted[-1], params)} on {len(frame):,} rows; {decision}"
        f"wrote {config.MODEL} ({config.MODEL.stat().st_size / 1e3:,.0f} kB)"
    )


if __name__ == "__main__":
    run("train", main)
