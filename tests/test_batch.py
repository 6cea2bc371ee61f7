"""Batch scoring with a model in production: locally, on Spark, on a standalone cluster, and what happens when it breaks.

What single rows and columns do has its tests in the generated repo.
"""

import json
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject, clean_environment, copied
from filelock import FileLock
from runner import act, jobs
from servers import free_port, running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("batch")]

DATE = "2026-03-01"
RELEASE = """
from lifecycle.core import config
from lifecycle.core.tracking import store
from lifecycle.registry import moves
from lifecycle.registry.registration import register
params = config.load()
model = params.track.model
with store(params, "") as client:
    register(client, params)
    moves.promote(client, model, "staging", None, "test")
    client.set_model_version_tag(model, "1", moves.STAGING_CHECKS, moves.PASSED)
    moves.promote(client, model, "production", None, "test")
"""
# Each row is broken in a way of its own, and a tenth of the customers has not been seen for long.
TABLES = r"""
import pathlib, pandas
table = pandas.read_csv("data/raw/telco.csv", dtype=str, keep_default_na=False)
table["last_seen"] = "2026-02-01"
table.to_csv("whole.csv", index=False)
table.loc[1000:1699, "last_seen"] = "2025-01-01"
for row, column, value in [(0, "tenure", "-5"), (1, "tenure", "abc"), (2, "contract", "Ten years"), (3, "monthly_charges", ""),
                           (4, "customer_id", "X1"), (5, "last_seen", "soon"), (6, "total_charges", "inf"), (7, "tenure", "1.5")]:
    table.loc[row, column] = value
lines = table.to_csv(index=False).splitlines()
lines.insert(500, "C1,Yes")
pathlib.Path("bad.csv").write_text("\n".join(lines) + "\n")
good = pandas.read_parquet("data/interim/dataset.parquet")
pathlib.Path("parts").mkdir()
for part in range(3):
    good.iloc[part::3].to_parquet(f"parts/part-{part}.parquet", index=False)
shutil = __import__("shutil")
shutil.copytree("parts", "torn")
content = pathlib.Path("torn/part-1.parquet").read_bytes()
pathlib.Path("torn/part-1.parquet").write_bytes(content[: len(content) // 2])
for day in ("2026-03-01", "2026-03-03"):
    pathlib.Path("days", f"date={day}").mkdir(parents=True)
    good.head(100).to_parquet(f"days/date={day}/rows.parquet", index=False)
good.head(0).to_parquet("empty.parquet", index=False)
good.drop(columns=["tenure"]).to_parquet("missing.parquet", index=False)
good.assign(tenure=-1).to_parquet("wrong.parquet", index=False)
"""
# Several runs in one process, for Spark takes long to start.
RUNS = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from lifecycle.batch import commands, process
from lifecycle.core.errors import ProjectError
from lifecycle.pipeline import commands as pipeline_commands
import argparse
parser = argparse.ArgumentParser()
verbs = parser.add_subparsers()
pipeline_commands.add_to(verbs)
commands.add_to(verbs)
results = []
for arguments in json.loads(sys.argv[1]):
    try:
        job = commands.make_job(parser.parse_args(["score", *arguments]))
        results.append([0, process.run(job) if job.dates else process.main(job)])
    except ProjectError as error:
        results.append([error.exit_code, str(error)])
print(json.dumps(results), flush=True)
os._exit(0)
"""
CATALOG = """
import json, os
from lifecycle.batch.spark import java
java.configure()
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "OFF").getOrCreate()
spark.read.parquet("file://" + os.path.abspath("data/interim/dataset.parquet")).limit(300).write.saveAsTable("default.customers")
spark.sql("create table default.flat (customer_id string, date date) using parquet")
spark.sql("insert into default.flat values ('C1', date'2026-01-01')")
spark.sql("create table default.other (customer_id string, score double, date date) using parquet partitioned by (date)")
spark.stop()
from lifecycle.batch import commands, process
from lifecycle.core.errors import ProjectError
from lifecycle.pipeline import commands as pipeline_commands
import argparse
parser = argparse.ArgumentParser()
verbs = parser.add_subparsers()
pipeline_commands.add_to(verbs)
commands.add_to(verbs)
codes = []
for output, day in (("scores", 1), ("scores", 2), ("scores", 1), ("flat", 1), ("other", 1)):
    command = f"score --engine spark --master local[2] --input default.customers --output default.{output} --as-of 2026-03-0{day}"
    try:
        codes.append([0, process.main(commands.make_job(parser.parse_args(command.split())))])
    except ProjectError as error:
        codes.append([error.exit_code, str(error)])
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
dates = {str(row["date"]): row["count"] for row in spark.table("default.scores").groupBy("date").count().collect()}
print(json.dumps([codes, dates, spark.table("default.flat").count()]), flush=True)
os._exit(0)
"""
VERDICTS = """
import json, os, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from lifecycle.batch.spark import contract_checks, java, session
from lifecycle.core import config, contract
from lifecycle.core.errors import DataError
from lifecycle.core.raw_table import read_raw
java.configure()
data = config.load().data
schema = contract.load(Path("contract.yaml"), "telco_churn")
good = read_raw(Path("data/raw/telco.csv"), schema, data).head(2000).astype({"contract": "object", "payment_method": "object"})
good = good.astype({"tenure": "int32", "monthly_charges": "float32"})  # which the contract's types have room for
bad = good.copy()
bad.loc[0, "tenure"] = -5
bad.loc[2, "contract"] = "Ten years"
bad.loc[4, "customer_id"] = "C00001"
bad.loc[6, "customer_id"] = "x"
bad.loc[:400, "total_charges"] = None
bad.loc[9, "payment_method"] = None
bad["female"] = 1
bad["monthly_charges"] = 60.0
unlike = good.assign(tenure=[0.5, *good["tenure"][1:]], partner=[None, *good["partner"][1:]])
verdicts = []
with session.session("local[2]", "verdicts") as spark:
    for frame in (good, bad, unlike, bad.drop(columns="tenure").assign(extra=1)):
        frame.to_parquet("verdicts.parquet", index=False)
        on_spark = contract_checks.validate(spark.read.parquet(session.location("verdicts.parquet")), schema)
        try:
            on_pandas = contract.validate(read_raw(Path("verdicts.parquet"), schema, data), schema, "customer_id")
        except DataError as error:
            on_pandas = str(error)
        if isinstance(on_pandas, list):
            on_pandas = sorted([r["column"], r["check"].partition("(")[0], r["passed"]] for r in on_pandas)
        verdicts.append([on_pandas, sorted([r["column"], r["check"].partition("(")[0], r["passed"]] for r in on_spark)])
print(json.dumps(verdicts), flush=True)
os._exit(0)
"""
CHECKS = """
import pandas as pd

from lifecycle.core.column_checks import column_check, value_check


@column_check
def mostly_above(column: pd.Series, *, limit: float, share: float) -> bool:
    assert str(column.dtype) == "int64"
    return bool((column > limit).mean() >= share)


@column_check
def categories_at_most(column: pd.Series, *, most: int) -> bool:
    return len(column.cat.categories) <= most


@column_check
def in_year(column: pd.Series, *, year: int) -> bool:
    return bool((column.dt.year == year).all())


@value_check
def multiple_of(column: pd.Series, *, step: float) -> pd.Series:
    return column % step == 0


@value_check
def broken(column: pd.Series, *, unit: str) -> pd.Series:
    return column[unit]
"""
# Spark's pandera has `isin`, but not for booleans, and Java has no group of that spelling.
CONTRACT = r"""
columns:
  key: {dtype: str, str_matches: '(?P<letter>[AB])\d+$', str_length: {min_value: 2, max_value: 2}}
  months: {dtype: int64, mostly_above: {limit: 24, share: 0.5}, multiple_of: {step: 5}}
  plan: {dtype: category, categories_at_most: {most: 2}}
  active: {dtype: bool, isin: [true]}
  since: {dtype: 'datetime64[ns]', in_year: {year: 2026}}
  share: {dtype: float64, nullable: true, multiple_of: {step: 0.5}}
  extra: {dtype: int64, required: false, multiple_of: {step: 5}}
"""
USERS_CHECKS = r"""
import json, os, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import pandas as pd
from lifecycle.batch.spark import contract_checks, driver_checks, java, session
from lifecycle.core import config, contract
from lifecycle.core.raw_table import read_raw
java.configure()
data = config.load().data
schema = contract.load(Path("checks.yaml"), "telco_churn")
good = pd.DataFrame({"key": ["A1", "B2"], "months": [25, 30], "plan": ["x", "y"], "active": [True, True],
                     "since": pd.to_datetime(["2026-01-01", "2026-12-31"]), "share": [0.5, None]})
bad = pd.DataFrame({"key": ["A1", "C2"], "months": [6, 12], "plan": ["x", "y"], "active": [True, False],
                    "since": pd.to_datetime(["2026-01-01", "2027-01-01"]), "share": [0.5, 0.3]})
bad = pd.concat([bad, bad.assign(plan="z")])
results = {}

def verdicts(records):
    return sorted([r["column"], r["check"], r["passed"]] for r in records)

def failures(schema, table):
    return [contract.describe([r]) for r in contract_checks.validate(table, schema) if not r["passed"]]

with session.session("local[2]", "checks") as spark:
    for name, frame in {"good": good, "bad": bad}.items():
        frame.to_parquet("checks.parquet", index=False)
        table = spark.read.parquet(session.location("checks.parquet"))
        on_pandas = contract.validate(read_raw(Path("checks.parquet"), schema, data), schema, "key")
        results[name] = [verdicts(on_pandas), verdicts(contract_checks.validate(table, schema))]
    Path("broken.yaml").write_text("columns:\n  months: {dtype: int64, broken: {unit: days}}\n")
    broken = contract.load(Path("broken.yaml"), "telco_churn")
    results["broken"] = failures(broken, table.select("months"))
    results["null"] = failures(schema, table.withColumn("months", table.months + table.share))
    results["table"] = failures(contract.load(Path("unique.yaml"), "telco_churn"), table)
    driver_checks.MAX_ROWS = 3
    results["large"] = failures(schema, table)
print(json.dumps(results), flush=True)
os._exit(0)
"""


@dataclass
class Scored:
    """A project with a model in production, tables to be scored, and the place where pyspark is installed."""

    project: BakedProject
    packages: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": f"src:{self.packages}"}

    def run(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.project.run(command, check, **self.environment)

    def start(self, command: str, **environment: str) -> subprocess.Popen[bytes]:
        path = {"PATH": f"{self.project.path / '.venv/bin'}:{os.environ['PATH']}"}
        return subprocess.Popen(
            command.split(), cwd=self.project.path, env=clean_environment() | path | self.environment | environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def python(self, script: str, *arguments: str) -> Any:
        name = f"script-{abs(hash(script))}.py"
        (self.project.path / ".git" / name).write_text(script)
        quoted = " ".join(f"'{argument}'" for argument in arguments)
        printed = self.run(f"python .git/{name} {quoted}").stdout
        return json.loads(printed.splitlines()[-1]) if printed else None

    def runs(self, *commands: str) -> list[tuple[int, str]]:
        results = self.python(RUNS, json.dumps([command.split() for command in commands]))
        return [(code, message) for code, message in results]

    def rows(self, folder: str, columns: str = "") -> list[list[Any]]:
        """The rows of an output, but for the time, sorted by their first column."""
        script = (
            "import json, os, sys, pyarrow.dataset as d\n"
            "table = d.dataset(sys.argv[1], partitioning='hive').to_table().drop_columns(['scored_at'])\n"
            "names = sys.argv[2].split(',') if len(sys.argv) > 2 else table.column_names\n"
            "rows = [[row[name].hex() if isinstance(row[name], float) else row[name] for name in names] for row in table.to_pylist()]\n"
            "print(json.dumps(sorted(rows, key=str), default=str), flush=True)\nos._exit(0)\n"
        )
        return self.python(script, folder, *([columns] if columns else []))


@pytest.fixture(scope="module")
def scored(reproduced: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    folder = tmp_path_factory.mktemp("batch")
    project = copied(reproduced, folder)
    project.run("uv pip install --quiet --no-deps --constraint requirements.txt "
                f"--target {folder / 'packages'} pyspark py4j")  # fmt: skip
    scored = Scored(project, folder / "packages")
    scored.python(TABLES)
    project.run("telco-churn gate --base HEAD~1 --record", PYTHONPATH="src")
    refused = project.run("telco-churn score --input whole.csv --output none", check=False, PYTHONPATH="src")
    assert refused.returncode == 1
    assert refused.stderr == "error: no version of telco-churn is in production: promote one, then score\n"
    scored.python(RELEASE)
    return scored


def with_package_of(folder: Path, settings: str) -> str:
    """Settings of batch scoring with a package that Spark fetches from a Maven repository in a folder, and from nowhere else."""
    place = folder / "maven/org/example/marker/1.0"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "marker-1.0.jar", "w") as jar:
        jar.writestr("marker.txt", "")
    project = "<groupId>org.example</groupId><artifactId>marker</artifactId><version>1.0</version>"
    (place / "marker-1.0.pom").write_text(f"<project><modelVersion>4.0.0</modelVersion>{project}</project>")
    resolver = f'<ibiblio name="here" m2compatible="true" root="file://{folder}/maven"/>'
    (folder / "ivy.xml").write_text(
        f'<ivysettings><settings defaultResolver="here"/><resolvers>{resolver}</resolvers></ivysettings>'
    )
    conf = {"spark.jars.ivySettings": f"{folder}/ivy.xml", "spark.jars.ivy": f"{folder}/ivy"}
    return (
        settings.partition("spark:")[0]
        + json.dumps({"spark": {"packages": ["org.example:marker:1.0"], "conf": conf}})[1:-1]
    )


def test_local_and_spark_write_the_same_scores_and_the_same_quarantine(scored: Scored, tmp_path: Path) -> None:
    bad = f"--input bad.csv --as-of {DATE} --active-since last_seen=2026-01-01"
    done = scored.run(f"telco-churn score {bad} --output local --beside shadow")
    spark = "--engine spark --master local[2]"
    scored.run("mkdir -p spark/date=2026-02-28 && touch spark/date=2026-02-28/_kept")
    failing = ("torn", "empty.parquet", "wrong.parquet")
    (scored.project.path / "batch.yaml").write_text(
        with_package_of(tmp_path, settings := scored.project.text("batch.yaml"))
    )
    results = scored.runs(
        f"{bad} {spark} --output spark",
        *[f"--input {name} {spark} --output none" for name in failing],
        f"--input days {spark} --output spark_days --as-of 2026-03-01..2026-03-03",
    )

    (scored.project.path / "batch.yaml").write_text(settings)
    assert [code for code, _ in results] == [0, 1, 1, 1, 1], results
    assert [path.name for path in (tmp_path / "ivy/jars").iterdir()] == [
        "org.example_marker-1.0.jar"
    ]  # Spark has fetched it
    assert results[4][1] == "1 of 3 dates were not scored: 2026-03-02"
    assert sorted(path.name for path in (scored.project.path / "spark_days").glob("date=*")) == [
        "date=2026-03-01",
        "date=2026-03-03",
    ]
    messages = ("part-1.parquet: cannot be read", "has no rows", "7,043 of 7,043 rows break the contract")
    assert all(message in line for message, (_, line) in zip(messages, results[1:], strict=False)), results
    assert not list((scored.project.path / "none").glob("date=*"))
    assert not list((scored.project.path / "none").glob(".staging*"))
    assert "warning: no version is shadow: scored with production alone\n" in done.stderr
    assert "scored 6,335 of 7,044 rows of bad.csv, 9 quarantined (local_quarantine), 700 not active" in done.stdout
    assert "scored 6,335 of 7,044 rows" in results[0][1]
    local = scored.rows("local")
    assert len(local) == 6335
    assert local == scored.rows("spark")
    reasons = scored.rows("local_quarantine", "customer_id,reason,row")
    assert reasons == scored.rows("spark_quarantine", "customer_id,reason,row")
    why = {key: reason for key, reason, _ in reasons}
    assert why["C00002"] == "tenure: not int64 (abc)"
    assert why["C00003"] == "contract: not a category of the contract (Ten years)"
    assert why["C00004"] == "monthly_charges: missing"
    assert why["X1"] == r"customer_id: str_matches('^C\d{5}$') fails (X1)"
    assert [row for row in reasons if row[2] == "C1,Yes"]
    assert (scored.project.path / "spark/date=2026-02-28/_kept").exists()


def test_local_failures_are_one_line_and_write_nothing(scored: Scored) -> None:
    names = ("torn", "empty.parquet", "missing.parquet", "wrong.parquet", "nowhere.parquet")
    results = scored.runs(*[f"--input {name} --output nothing" for name in names])

    assert [code for code, _ in results] == [1, 1, 1, 1, 2]
    assert "torn/part-1.parquet: cannot be read" in results[0][1]
    assert "has no rows" in results[1][1]
    assert "missing column tenure" in results[2][1]
    assert "7,043 of 7,043 rows break the contract" in results[3][1]
    assert "in_range(0, 120) fails (-1)" in results[3][1]
    assert not list((scored.project.path / "nothing").glob("date=*"))


def test_a_range_of_dates_is_scored_date_by_date(scored: Scored) -> None:
    done = scored.run("telco-churn score --input days --output days_out --as-of 2026-03-01..2026-03-03", check=False)
    whole = scored.run("telco-churn score --input parts --output days_out --as-of 2026-03-01..2026-03-03", check=False)

    assert done.returncode == 1
    assert "error: 2026-03-02: days has no folder for it; nothing was written\n" in done.stderr
    assert {row[-1] for row in scored.rows("days_out")} == {"2026-03-01", "2026-03-03"}
    assert whole.returncode == 2
    assert whole.stderr.startswith("error: parts: a range of dates needs a folder for each date")


def test_a_java_that_fails_is_one_line_behind_its_own(scored: Scored, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "java").chmod(0o755)

    done = scored.run(f"JAVA_HOME={tmp_path} telco-churn validate --engine spark parts", check=False)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: Spark failed: [JAVA_GATEWAY_EXITED]")


def test_a_full_disk_leaves_the_old_scores(scored: Scored) -> None:
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces, to mount a small filesystem of its own")
    command = f"telco-churn score --input parts --as-of {DATE} --output small/scores"
    (scored.project.path / "small.sh").write_text(
        f"mkdir -p small && mount -t tmpfs -o size=700k tmpfs small && {command} && sha256sum small/scores/date=*/* && "
        f"head -c 600k /dev/zero > small/other 2> filled; {command}; echo code $?; sha256sum small/scores/date=*/*\n"
    )
    done = scored.run("unshare --user --map-root-user --mount sh small.sh", check=False)

    lines = done.stdout.splitlines()
    assert "code 1" in lines, done.stdout + done.stderr
    hashes = [line for line in lines if "part-0" in line]
    assert len(hashes) == 2
    assert hashes[0] == hashes[1]
    assert done.stderr.strip().endswith("No space left on device; nothing was written")
    assert done.stderr.count("\n") == 1


def test_killed_at_any_moment_a_run_leaves_the_old_output_or_the_new_one(scored: Scored) -> None:
    scored.run(f"telco-churn score --input parts --as-of {DATE} --output killed")
    whole = scored.rows("killed", "customer_id,probability")
    command = f"telco-churn score --input parts --as-of {DATE} --output killed"
    folder = scored.project.path / "killed"
    outcomes = []
    for moment in (0.0, 0.1, 0.3):  # after the run has begun to write
        process = scored.start(command)
        while not list(folder.glob(".staging-*")) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moment)
        process.kill()
        process.wait(30)
        outcomes.append(process.returncode)
        assert scored.rows("killed", "customer_id,probability") == whole
    assert -signal.SIGKILL in outcomes

    scored.run(command)
    assert scored.rows("killed", "customer_id,probability") == whole
    assert not list(folder.glob(".staging-*"))


def test_a_second_run_for_a_date_is_refused(scored: Scored) -> None:
    (scored.project.path / "busy").mkdir()
    with FileLock(scored.project.path / "busy" / f".lock-{DATE}", timeout=0):
        results = scored.runs(
            f"--input parts --as-of {DATE} --output busy", "--input parts --as-of 2026-03-02 --output busy"
        )

    assert results[0][0] == 1
    assert f"busy/date={DATE}: another run is writing it" in results[0][1]
    assert results[1][0] == 0


def test_the_nightly_workflow_scores_and_without_its_variables_says_what_to_set(scored: Scored, tmp_path: Path) -> None:
    project = copied(scored.project, tmp_path)
    project.run("git remote add origin https://github.com/o/r.git")
    variables = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{scored.project.path}/mlflow.db",
        "SCORE_INPUT": scored.project.path / "parts",
        "SCORE_OUTPUT": tmp_path / "nightly",
    }
    workflow = "--workflows=.github/workflows/score.yml"

    done = act(project, tmp_path, "schedule", workflow, *[f"--var={name}={value}" for name, value in variables.items()])
    bare = act(project, tmp_path, "schedule", workflow)

    assert jobs(done.stdout) == {"score": "succeeded"}, done.stdout[-3000:]
    assert len(scored.rows(str(tmp_path / "nightly"))) == 7043
    assert jobs(bare.stdout) == {"unconfigured": "succeeded"}
    assert "Nothing was scored: set the repository variables" in bare.stdout


def test_the_contract_has_the_verdicts_of_pandas_on_spark(scored: Scored) -> None:
    good, bad, unlike, other = scored.python(VERDICTS)

    assert good[0] == good[1]
    assert all(passed for *_, passed in good[1])
    assert bad[0] == bad[1]
    failing = [[column, check] for column, check, passed in unlike[1] if not passed]
    assert "column partner: 1 value (row 1: None) but int64 cannot be null" in unlike[0]
    assert ["tenure", "dtype"] in failing
    assert ["partner", "dtype"] in failing
    assert "missing column tenure; unexpected column extra" in other[0]
    failing = [[column, check] for column, check, passed in other[1] if not passed]
    assert ["tenure", "column_in_dataframe"] in failing
    assert ["extra", "column_in_schema"] in failing


@pytest.fixture(scope="module")
def on_spark(scored: Scored) -> dict[str, Any]:
    """What checks of the user's own, and some that Spark's pandera lacks, give on Spark; all in one session."""
    (scored.project.path / "src/telco_churn/checks.py").write_text(CHECKS)
    (scored.project.path / "checks.yaml").write_text(CONTRACT)
    (scored.project.path / "unique.yaml").write_text(CONTRACT + "unique: [key, months]\n")
    return scored.python(USERS_CHECKS)


def test_the_users_own_checks_and_those_that_spark_lacks_have_the_verdicts_of_pandas_on_spark(
    on_spark: dict[str, Any],
) -> None:
    (good_on_pandas, good), (bad_on_pandas, bad) = on_spark["good"], on_spark["bad"]
    assert good == good_on_pandas
    assert all(passed for *_, passed in good)
    assert bad == bad_on_pandas
    failing = {f"{column} {check.partition('(')[0]}" for column, check, passed in bad if not passed}
    assert failing == {
        "key str_matches", "months mostly_above", "months multiple_of", "plan categories_at_most", "active isin",
        "since in_year", "share multiple_of",
    }  # fmt: skip


def test_a_check_that_was_not_run_on_spark_is_a_failure_that_says_why(on_spark: dict[str, Any]) -> None:
    assert on_spark["broken"] == ["column months: broken(unit=days) fails (not run: KeyError: 'days')"]
    assert (
        "column months: multiple_of(step=5) fails (not run: the column has values that are missing or not int64)"
        in (on_spark["null"])
    )
    assert (
        "column (all): unique(['key', 'months']) fails (not run: Spark does not check several columns together)"
        in (on_spark["table"])
    )
    not_run = [
        line for line in on_spark["large"] if "(not run: it needs the whole column on the driver, and 4 rows" in line
    ]
    assert {line.partition("(")[0] for line in not_run} == {
        "column key: str_matches", "column months: mostly_above", "column months: multiple_of",
        "column plan: categories_at_most", "column active: isin", "column since: in_year", "column share: multiple_of",
    }  # fmt: skip


def test_tables_of_a_catalog_keep_their_other_dates(scored: Scored, tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text(
        f"spark.sql.catalogImplementation hive\nspark.sql.warehouse.dir {tmp_path}/warehouse\n"
        f"spark.hadoop.javax.jdo.option.ConnectionURL jdbc:derby:;databaseName={tmp_path}/metastore;create=true\n"
    )
    (scored.project.path / ".git" / "catalog.py").write_text(CATALOG)
    done = scored.project.run(
        "python .git/catalog.py", PYTHONPATH=f"src:{scored.packages}:.git", SPARK_CONF_DIR=str(tmp_path)
    )

    codes, dates, flat_rows = json.loads(done.stdout.splitlines()[-1])
    assert [code for code, _ in codes] == [0, 0, 0, 2, 2], codes
    assert dates == {"2026-03-01": 300, "2026-03-02": 300}
    assert "default.flat: is not partitioned by date alone" in codes[3][1]
    assert "default.other: has the columns customer_id, score, date, not customer_id, probability" in codes[4][1]
    assert flat_rows == 1


def test_a_cluster_that_loses_a_worker_still_scores_every_row(scored: Scored, tmp_path: Path) -> None:
    script = (
        "import pathlib, pandas\ntable = pandas.read_parquet('data/interim/dataset.parquet')\n"
        "pathlib.Path('many/more[1]').mkdir(parents=True)\n"
        "[table.assign(customer_id=[f'C{10000 * (part % 10) + row:05d}' for row in range(len(table))])"
        ".to_parquet('many/' + ('more[1]/' if part % 2 else '') + f'part-{part:02d}.parquet', index=False) for part in range(16)]\n"
    )
    scored.python(script)
    (tmp_path / "spark-defaults.conf").write_text(  # a task for each file
        "spark.sql.files.maxPartitionBytes 160000\nspark.sql.files.openCostInBytes 0\n"
    )
    with cluster(scored, tmp_path) as (address, workers):
        process = scored.start(
            f"telco-churn score --engine spark --master {address} --input many --output cluster",
            SPARK_CONF_DIR=str(tmp_path),
        )
        deadline = time.monotonic() + 240
        written = scored.project.path / "cluster"
        while len(list(written.glob(".staging-*/_temporary/0/task_*"))) < 3:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(workers[0].pid, signal.SIGKILL)
        assert process.wait(240) == 0
    counts = scored.rows("cluster", "customer_id")

    assert len(counts) == 16 * 7043


@contextmanager
def cluster(scored: Scored, folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Run Spark's master and two workers of one core each on loopback; yield its address and the workers."""
    port, pages = free_port(), free_port()
    spark = scored.packages / "pyspark/bin/spark-class"
    master = f"spark://127.0.0.1:{port}"
    environment = clean_environment() | {"SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(scored.packages)}
    environment |= {"SPARK_NO_DAEMONIZE": "1", "SPARK_WORKER_DIR": str(folder / "work")}
    command = [str(spark), "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, "--webui-port", str(pages)], folder, f"http://127.0.0.1:{pages}", **environment):
        worker = [str(spark), "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1"]
        with (folder / "workers.log").open("w") as log:
            workers = [
                subprocess.Popen(
                    [*worker, "--memory", "1g", "--webui-port", "0", master],
                    env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )
                for _ in range(2)
            ]  # fmt: skip
        try:
            yield master, workers
        finally:
            for process in workers:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
