"""What training and predicting through the project cost: `python bench/model.py [--rows 10000 100000 ...]` prints a Markdown table.

The training rows of the Telco table are drawn again to each number of rows. In one process, one after the other:

    fit       `pipeline.train.fit`, which prepares the features and fits the estimator; against the estimator alone, fitted on
              the same prepared matrix
    predict   `core.predict.predict` with a frame of the contract's columns, feature function and preparation included; against
              `predict_proba` of the estimator on the same prepared matrix

and on the table as it is:

    search    a trial of `make search`, without the start of its process; against `fit`, `predict` and the metrics alone

Aim: a ratio of at most 1.2 from a million rows on.
"""

import argparse
import json
import tempfile
from pathlib import Path

from measure import machine, progress, pull, render, run, table

ROWS, RUNS, FEW_RUNS, MANY_ROWS = (10_000, 100_000, 1_000_000), 5, 1, 5_000_000
AIM = 1.2
MEASURE = """
import json, sys, time
from statistics import median
import pandas as pd
from lifecycle.core import config, predict
from lifecycle.core.estimator import make_estimator
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.pipeline.train import fit
rows, runs = map(int, sys.argv[1:])
params = config.load()
train = read_parquet(config.FEATURES / "train.parquet")
frame = train.sample(rows, replace=True, random_state=0).reset_index(drop=True)
inputs = [name for name in params.data.inputs(read_yaml(config.CONTRACT)["columns"]) if name in train]
model = fit(train, inputs, params)
target, raw = frame[params.data.target].to_numpy(), frame[inputs]
matrix = predict.in_batches(lambda batch: model[:-1].transform(batch), raw)

def bare():
    with predict.threads(rows):
        make_estimator(params).fit(matrix, target)

def project_predicts():
    with predict.threads(rows):
        predict.predict(model, raw, params)

def bare_predicts():
    with predict.threads(rows):
        model[-1].predict_proba(matrix)

def seconds(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started

functions = {"fit": (lambda: fit(frame, inputs, params), bare), "predict": (project_predicts, bare_predicts)}
taken = {name: ([], []) for name in functions}
for number in range(runs + (runs > 1)):
    for name, pair in functions.items():
        for place, function in enumerate(pair):
            elapsed = seconds(function)
            if number or runs == 1:
                taken[name][place].append(elapsed)
print(json.dumps({name: [median(side) for side in pair] for name, pair in taken.items()}))
"""
TRIALS = """
import json, time
from statistics import median
import numpy as np, optuna
from lifecycle.core import config, metrics, predict
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.pipeline.train import fit
from lifecycle.search import settings, worker
from lifecycle.search.study import of_repo, suggested
params = config.load()
study = of_repo(settings.load(), params.package)
train, validation = (read_parquet(config.FEATURES / f"{side}.parquet") for side in ("train", "validation"))
inputs = [name for name in params.data.inputs(read_yaml(config.CONTRACT)["columns"]) if name in train]
sides = worker.Sides(train, validation, inputs)
opened = study.trials()
opened.sampler = optuna.samplers.TPESampler(seed=0, constant_liar=True, multivariate=True)
overhead, whole = [], []
for number in range(40):
    started = time.perf_counter()
    trial = opened.ask()
    value = worker.tried(trial, study, sides, lambda *_: lambda weights: {})  # no metric of the user's
    opened.tell(trial, value)
    took = time.perf_counter() - started
    of_trial = settings.params_with(study.content, suggested(trial, study.search))
    started = time.perf_counter()
    model = fit(train, inputs, of_trial)
    with predict.threads(len(validation)):
        predictions = predict.predict(model, validation, of_trial)
    metrics.measure(validation[params.data.target], predictions, of_trial)(np.ones(len(validation)))
    whole.append(took)
    overhead.append(time.perf_counter() - started)
print(json.dumps([median(whole), median(overhead)]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure training and predicting through the project.")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help=f"how many (default: {ROWS})")
    lengths = parser.parse_args().rows
    lines = []
    with tempfile.TemporaryDirectory(prefix="bench-model-") as folder:
        project, _ = render(Path(folder))
        pull(project)
        for stage in ("data", "validate", "featurize"):
            run(["python", "-m", f"lifecycle.pipeline.{stage}"], project)
        for rows in lengths:
            progress(f"{rows:,} rows")
            runs = FEW_RUNS if rows >= MANY_ROWS else RUNS
            taken = json.loads(run(["python", "-c", MEASURE, str(rows), str(runs)], project).output.splitlines()[-1])
            for name, (ours, bare) in taken.items():
                lines.append([name, f"{rows:,}", f"{ours:.3f}", f"{bare:.3f}", f"{ours / bare:.2f}"])
        progress("trials")
        trial, bare = json.loads(run(["python", "-c", TRIALS], project).output.splitlines()[-1])
        lines.append(["search, a trial", "4,599", f"{trial:.3f}", f"{bare:.3f}", f"{trial / bare:.2f}"])
    print(machine())
    print(table(["measured", "rows", "project (s)", "bare (s)", "ratio"], lines))


if __name__ == "__main__":
    main()
