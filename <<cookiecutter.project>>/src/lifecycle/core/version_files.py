"""The names of the files and folders that make up a version beside its model, in MLflow."""

CODE = "code"  # as MLflow names it: the code that the version answers with
REFERENCE = "reference"  # held-out rows with predictions and outcomes: see reference.py
KNOWN = "known_rows"  # test rows and their predictions by `evaluate`
INPUTS, PREDICTIONS = "inputs.parquet", "predictions.parquet"  # in KNOWN
TOLERANCE = 1e-9  # between those predictions and the version's own: absolute below 1, relative above
PROBABILITY = "probability_"  # prefix of a class's column
