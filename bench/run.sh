#!/bin/sh
# Build an environment with cookiecutter and a generated repo's packages, then run the named benchmarks (default: all).
set -eu
folder=build/bench
rm -rf "$folder"
.venv/bin/cookiecutter . --no-input --output-dir "$folder" project=telco-churn > /dev/null
make --no-print-directory -C "$folder/telco-churn" setup EXTRAS=dev,monitor,search
python="$folder/telco-churn/.venv/bin/python"
.venv/bin/uv pip install --quiet --python "$python" cookiecutter==2.7.1
for name in ${*:-adopt pipeline gate registry rows model serving monitor batch}; do
  if [ "$name" = batch ]; then  # last, for pandera is slower to import where pyspark is installed
    .venv/bin/uv pip install --quiet --python "$python" --constraint "$folder/telco-churn/requirements.txt" pyspark
  fi
  "$python" "bench/$name.py"
done
