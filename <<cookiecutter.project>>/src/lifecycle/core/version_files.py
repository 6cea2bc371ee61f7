"""What lies beside a model in MLflow: the files that make up a version, by name."""

CODE = "code"  # as MLflow names it: the code that the version answers with
REFERENCE = "reference"  # held-out rows with predictions and outcomes, that traffic can be compared with
KNOWN = "known_rows"  # test rows, and what `evaluate` predicted for them
INPUTS, PREDICTIONS = "inputs.parquet", "predictions.parquet"  # in KNOWN
TOLERANCE = 1e-9  # between those predictions and the version's: absolute below 1, relative above
PROBABILITY = "probability_"  # prefix of the column of a class
