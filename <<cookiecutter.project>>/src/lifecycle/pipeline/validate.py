"""Dataset, contract and params in; reports/validation.json out: every check, with the first rows that fail it.

A failed check stops the pipeline before anything is trained, and so does a parameter that a later stage could not use. The
last good model, metrics and report stay as they are; reports/validation_failed.json has the failed checks.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError, concerning
from lifecycle.core.estimator import make_estimator
from lifecycle.core.files import read_parquet, write_json
from lifecycle.core.row_weights import check_weights
from lifecycle.core.target import fits_task
from lifecycle.core.version_files import PROBABILITY
from lifecycle.pipeline import run

TAKEN = {"prediction", "probability", "label", "model_version", "scored_at"}  # columns of predictions and scores
FAILED_REPORT = config.VALIDATION_REPORT.with_name("validation_failed.json")


def check_params(params: Params, columns: list[str]) -> None:
    """Raise ConfigError if params name a column that the contract does not have, or settings that the estimator refuses."""
    columns_named = {
        "data.id": [params.data.id],
        "data.target": [params.data.target],
        "data.id_from": params.data.id_from,
        "data.exclude": params.data.exclude,
        "data.weight": [params.data.weight] if params.data.weight else [],
        "data.formats": list(params.data.formats),
        "evaluate.slices": params.evaluate.slices,
        "split.group": [params.split.group] if params.split.group else [],
    }
    if params.split.time:
        columns_named["split.time.column"] = [params.split.time.column]
    for parameter, names in columns_named.items():
        if missing := [name for name in names if name not in columns]:
            raise ConfigError(
                f"{config.PARAMS}: {parameter} names {missing[0]!r}, which {config.CONTRACT} does not have"
            )
    if params.data.target in params.data.exclude:
        raise ConfigError(f"{config.PARAMS}: data.exclude names the target, {params.data.target}")
    if params.data.weight in (params.data.id, params.data.target, *params.data.id_from, *params.data.exclude):
        raise ConfigError(
            f"{config.PARAMS}: data.weight is {params.data.weight}: name a column for it alone, neither id, target nor excluded"
        )
    if params.data.id in params.data.id_from:
        raise ConfigError(
            f"{config.PARAMS}: data.id_from names the id, {params.data.id}, which is made from these columns"
        )
    if not params.data.inputs(columns):
        raise ConfigError(f"{config.PARAMS}: data.exclude leaves no column that the model is given")
    for parameter, name in (("data.id", params.data.id), ("data.target", params.data.target)):
        if name in TAKEN or name.startswith(PROBABILITY):
            raise ConfigError(
                f"{config.PARAMS}: {parameter} is {name}, a column that predictions have: rename it in the file and {config.CONTRACT}"
            )
    slices = params.evaluate.slices
    if unsuitable := [
        name for name in slices if name in (params.data.id, params.data.target) or slices.count(name) > 1
    ]:
        raise ConfigError(
            f"{config.PARAMS}: evaluate.slices names {unsuitable[0]}: name each column once, and neither id nor target"
        )
    make_estimator(params)


def check_target(frame: pd.DataFrame, params: Params) -> list[dict[str, Any]]:
    """Return one record, as `contract.validate` does, of whether the target suits the task."""
    target = frame[params.data.target]
    not_a_number = "" if pd.api.types.is_numeric_dtype(target) else f"{target.dtype}, not a number"
    return [fits_task(params, len(frame), int(target.isna().sum()), list(target.dropna().unique()), not_a_number)]


def report(frame: pd.DataFrame, schema: Any, params: Params, source: Path) -> dict[str, Any]:
    """Return the validation report of a table: `file`, `rows`, `columns`, `passed` and `checks`."""
    with concerning(f"{config.CONTRACT}: {source} cannot be validated"):
        checks = contract.validate(frame, schema, params.data.id)
    if params.data.target in frame:
        checks += check_target(frame, params)
    checks += check_weights(frame, params)
    checks.sort(key=lambda record: record["passed"])
    passed = all(record["passed"] for record in checks)
    return {"file": str(source), "rows": len(frame), "columns": frame.shape[1], "passed": passed, "checks": checks}


def main() -> str:
    params = config.load()
    schema = contract.load(config.CONTRACT, params.package)
    check_params(params, list(schema.columns))
    content = report(read_parquet(config.DATASET), schema, params, params.data.raw)
    failed = [record for record in content["checks"] if not record["passed"]]
    if failed:
        write_json(content, FAILED_REPORT)
        raise DataError(
            f"{content['file']} breaks the contract ({len(failed)} of {len(content['checks'])} checks; "
            f"all in {FAILED_REPORT}): {contract.describe(failed)}"
        )
    write_json(content, config.VALIDATION_REPORT)
    FAILED_REPORT.unlink(missing_ok=True)
    return (
        f"{len(content['checks'])} checks passed on {content['rows']:,} rows × {content['columns']} columns; "
        f"wrote {config.VALIDATION_REPORT}"
    )


if __name__ == "__main__":
    run("validate", main)
