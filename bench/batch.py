"""Scoring whole tables, and what people write instead: `python bench/batch.py [--rows 10000 1000000 10000000]`.

    local         the generated repo's `score`
    spark         the same with `--engine spark --master local[2]`
    read+predict  pandas.read_parquet, predict_proba of the same model, to_parquet
    spark_udf     MLflow's spark_udf of the registered model, written by Spark
    toPandas      a Spark table collected to the driver, predict_proba there

Each is a command in a process of its own, started once; seconds include starting Python, imports, the registry and Spark.
Peak memory is the most that the processes of a command held together (proportional set size, looked at ten times a second),
the JVM and Python's workers included. `--timeout` ends what takes too long, which the table then says.

The table is drawn from the Telco dataset, ids numbered anew, typed as the pipeline types it: a Parquet file with
categories, which `read_parquet` gives back as such. Every output is compared with that of `local`, row by row.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import environment, machine, progress, pull, render, run, table
from rows import LIFTED

GROUP = 131_072
MAKE = f"""
import sys, numpy as np, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
source = pq.ParquetFile("data/interim/dataset.parquet").read().combine_chunks()
generator, rows, writer = np.random.default_rng(0), int(sys.argv[1]), None
for first in range(0, rows, {GROUP}):
    numbers = np.arange(first, min(first + {GROUP}, rows))
    drawn = source.take(pa.array(generator.integers(0, source.num_rows, len(numbers))))
    ids = pc.binary_join_element_wise("C", pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 8, "0"), "")
    drawn = drawn.set_column(0, "customer_id", ids.cast(source.schema.field("customer_id").type))
    writer = writer or pq.ParquetWriter(sys.argv[2], drawn.schema)
    writer.write_table(drawn)
writer.close()
"""
RELEASE = """
from lifecycle.core import config
from lifecycle.core.tracking import store
from lifecycle.registry import moves
from lifecycle.registry.registration import register
params = config.load()
with store(params, "") as client:
    register(client, params)
    moves.promote(client, params.track.model, "staging", None, "bench")
    client.set_model_version_tag(params.track.model, "1", moves.STAGING_CHECKS, moves.PASSED)
    moves.promote(client, params.track.model, "production", None, "bench")
"""
MODEL = """
import sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
mlflow.set_tracking_uri("sqlite:///mlflow.db")
source, target = sys.argv[1:3]
"""
PREDICT = (
    MODEL
    + """
model = mlflow.sklearn.load_model("models:/telco-churn@production")
frame = READ
scores = pd.DataFrame({"customer_id": frame["customer_id"], "probability": model.predict_proba(frame)[:, 1]})
import os
os.makedirs(target)
scores.to_parquet(target + "/part.parquet", index=False)
"""
)
SPARK = """
import os
os.environ["PYSPARK_PYTHON"] = sys.executable
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "OFF") \\
    .config("spark.driver.memory", "DRIVER").config("spark.driver.maxResultSize", "0") \\
    .config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate()
"""
UDF = (
    MODEL
    + SPARK
    + """
table = spark.read.parquet(source)
uri = "models:/telco-churn@production"
inputs = mlflow.models.get_model_info(uri).signature.inputs
score = mlflow.pyfunc.spark_udf(spark, uri, result_type="array<double>", env_manager="local")
numbers = {column.name for column in inputs.inputs if "double" in str(column.type)}
columns = [F.col(name).cast("double").alias(name) if name in numbers else F.col(name) for name in inputs.input_names()]
table.select("customer_id", score(F.struct(*columns))[1].alias("probability")).write.parquet(target)
spark.stop()
"""
)
CASES = {
    "read+predict": PREDICT.replace("READ", "pd.read_parquet(source)"),
    "toPandas": PREDICT.replace("model = ", SPARK.replace("DRIVER", "8g") + "\nmodel = ").replace(
        "READ", "spark.read.parquet(source).toPandas()"
    ),
    "spark_udf": UDF.replace("DRIVER", "2g"),
}
COMPARE = """
import sys, pyarrow.dataset as d, numpy as np
def read(folder):
    table = d.dataset(folder, partitioning="hive").to_table(columns=["customer_id", "probability"]).sort_by("customer_id")
    return table["customer_id"].combine_chunks(), table["probability"].to_numpy()
(one, left), (other, right) = read(sys.argv[1]), read(sys.argv[2])
same = len(one) == len(other) and one.cast("string").equals(other.cast("string"))
print("rows differ" if not same else "equal" if left.tobytes() == right.tobytes() else f"up to {np.abs(left - right).max():.1e} apart", flush=True)
import os; os._exit(0)
"""


def measure(command: list[str], folder: Path, timeout: float) -> tuple[float, float] | None:
    """Return a command's wall seconds and the peak of its processes' memory in MB, or None if it took too long."""
    started, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
        while process.poll() is None:
            peak = max(peak, sum(_resident(number) for number in _tree(process.pid)))
            if time.perf_counter() - started > timeout:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        if process.returncode:
            log.seek(0)
            sys.exit(f"{command} failed:\n{log.read().decode()[-4000:]}")
    return seconds, peak


def _tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    processes = [root]
    for number in processes:
        processes += [child for child, parent in parents.items() if parent == number]
    return processes


def _resident(number: int) -> float:
    try:
        text = Path(f"/proc/{number}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    match = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(match[1]) * 1024 / 1e6 if match else 0.0


def prepare(folder: Path) -> Path:
    """Return a project with a model in production, whose contract takes ids of any length."""
    project, _ = render(folder)
    pull(project)
    contract = project / "contract.yaml"
    text = contract.read_text(encoding="utf-8")
    for pattern, replacement in LIFTED.items():
        text = re.sub(pattern, replacement, text)
    contract.write_text(text, encoding="utf-8")
    run(["dvc", "repro"], project)
    run(["git", "add", "--all"], project)
    run(["git", "-c", "user.name=b", "-c", "user.email=b@b", "commit", "--quiet", "--message", "Results"], project)
    run(["telco-churn", "gate", "--base", "HEAD~1", "--record"], project)
    run(["python", "-c", RELEASE], project)
    return project


def commands(source: str, folder: Path) -> dict[str, list[str]]:
    score = ["telco-churn", "score", "--input", source, "--output"]
    ours = {
        "local": [*score, str(folder / "local")],
        "spark": [*score, str(folder / "spark"), "--engine", "spark", "--master", "local[2]"],
    }
    return ours | {name: ["python", "-c", script, source, str(folder / name)] for name, script in CASES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure batch scoring against what people write instead.")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    parser.add_argument("--cases", nargs="+", default=["local", "spark", *CASES])
    parser.add_argument("--timeout", type=float, default=600)
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as name:
        progress("a project with a model in production")
        project = prepare(Path(name))
        for rows in arguments.rows:
            source = str(Path(name, f"{rows}.parquet"))
            run(["python", "-c", MAKE, str(rows), source], project)
            folder = Path(name, f"out-{rows}")
            folder.mkdir()
            for case, command in commands(source, folder).items():
                if case not in arguments.cases:
                    continue
                usage = measure(command, project, arguments.timeout)
                if not usage:
                    lines.append([f"{rows:,}", case, f"over {arguments.timeout:.0f}", "", "", ""])
                    progress(" ".join(lines[-1]))
                    continue
                equal = run(["python", "-c", COMPARE, str(folder / "local"), str(folder / case)], project).output
                seconds, peak = usage
                lines.append(
                    [f"{rows:,}", case, f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{peak:,.0f}", equal.strip()]
                )
                progress(" ".join(lines[-1]))
            Path(source).unlink()
    print(f"{machine()}\n\n{table(['rows', 'case', 'seconds', 'rows/s', 'peak MB', 'scores'], lines)}")


if __name__ == "__main__":
    main()
