"""Repos about tables of their own, one for each task, from the scaffold to a rollback: what a person types, for real."""

import csv
import datetime
import json
import random
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject
from servers import free_port
from serving import until

# One worker runs them all: a repo lives on from test to test.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own table")]

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as its owner has it, and what is done with it."""

    project: str
    target: str
    rows: Callable[[random.Random, int], list[Row]]
    shift: str
    """A column and its factor: another population, which the contract allows."""
    separator: str = ","
    decimal: str = "."
    options: str = ""
    """Of `adopt`."""

    def write(self, path: Path, seed: int, rows: int, labelled: bool = True) -> Path:
        table = self.rows(random.Random(seed), rows)
        names = [name for name in table[0] if labelled or name != self.target]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=self.separator)
            writer.writerow(names)
            writer.writerows([self._text(row[name]) for name in names] for row in table)
        return path

    def records(self, seed: int, rows: int) -> list[Row]:
        """Rows as a client sends them, with the target: dates as ISO 8601 writes them."""
        return [{name: iso_date(value) for name, value in row.items()} for row in self.rows(random.Random(seed), rows)]

    def _text(self, value: Any) -> str:
        if isinstance(value, float):
            return str(value).replace(".", self.decimal)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)


def iso_date(value: Any) -> Any:
    match = re.fullmatch(r"(\d\d)\.(\d\d)\.(\d{4})", value) if isinstance(value, str) else None
    return f"{match[3]}-{match[2]}-{match[1]}T00:00:00" if match else value


def flowers(rng: random.Random, rows: int) -> list[Row]:
    """Several classes that are numbers; nothing identifies a row."""
    table = []
    for _ in range(rows):
        kind = rng.choice([1, 2, 2, 3])
        length, width = round(rng.gauss(4 + kind, 0.7), 2), round(rng.gauss(3 - kind / 2, 0.5), 2)
        table.append({"petal.length": length, "petal.width": width, "soil": rng.choice(["clay", "loam"]), "kind": kind})
    return table


def flats(rng: random.Random, rows: int) -> list[Row]:
    """Numbers to predict; names and values as a spreadsheet in German exports them."""
    table = []
    for _ in range(rows):
        area, share, lift = round(rng.uniform(20, 120), 1), round(rng.random(), 3), rng.choice([True, False, None])
        zone = rng.choice(["Nord", "Süd", 'O\'Hara; "Ost"'])
        built = datetime.date(1950, 1, 1) + datetime.timedelta(days=rng.randrange(25000))
        price = 1000 * area + 9000 * (zone == "Süd") + 5000 * bool(lift) - 8000 * share + rng.gauss(0, 3000)
        table.append(
            {"area (m²)": area, "share %": share, "has.lift": lift, "zone/Größe": zone, "built on": f"{built:%d.%m.%Y}",
             "size": rng.randrange(1, 9), "Preis in €": round(price, 2)}
        )  # fmt: skip
    return table


def loans(rng: random.Random, rows: int) -> list[Row]:
    """Yes or no, with an id that is a number."""
    table = []
    for place in range(rows):
        income, rate = round(rng.lognormvariate(3, 0.5), 2), round(rng.uniform(1, 12), 2)
        row = {"loan no": rng.randrange(10**6) * 1000 + place, "income": income, "rate %": rate}
        table.append(row | {"late?": rng.random() < 1 / (1 + 2.718 ** -(rate - income / 4))})
    return table


TABLES = {
    "multiclass": Table("flower-kinds", "kind", flowers, "petal.width=1.4", options="--task multiclass"),
    "regression": Table("flat-prices", "Preis in €", flats, "area (m²)=1.35", ";", ","),
    "binary": Table("late-loans", "late?", loans, "income=1.4"),
}
ROWS = 600


@dataclass
class Repo(BakedProject):
    """A repo about a table, whose command is found though it has the environment of another one."""

    table: Table
    task: str
    pyspark: Path
    """A folder of packages."""
    url: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")

    def run(self, command: str, check: bool = True, **environment: str) -> Any:
        return super().run(command, check, **{"PYTHONPATH": "src", "PRODUCTION_URLS": self.url} | environment)

    def command(self, text: str, code: int = 0) -> str:
        """Run a command of the project; return what it printed, errors included."""
        done = self.run(f"{self.table.project} {text}", check=False)
        printed: str = done.stdout + done.stderr
        assert done.returncode == code, f"{text}\n{printed}"
        assert "Traceback" not in printed
        return printed

    def post(self, path: str, content: Any, code: int | None = None) -> Any:
        """Return the body of the response; None if it has none."""
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        assert status == code or (code is None and status < 300), text
        return json.loads(text or "null")


@pytest.fixture(scope="module")
def packages(project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`.venv`, an environment for any repo with the extra `monitor`, and beside it `pyspark`, which slows every command down."""
    folder = tmp_path_factory.mktemp("packages")
    install = "uv pip install --quiet --constraint requirements.txt"
    project.run(f"uv venv --quiet {folder / '.venv'}")
    project.run(f"{install} --python {folder / '.venv'} --requirement pyproject.toml --extra dev --extra monitor")
    project.run(f"{install} --no-deps --target {folder / 'pyspark'} pyspark py4j")
    return folder


@pytest.fixture(scope="module", params=TABLES)
def repo(
    request: pytest.FixtureRequest,
    packages: Path,
    bake: Callable[..., BakedProject],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Repo]:
    """A repo after its scaffold has adopted a table."""
    table, folder = TABLES[request.param], tmp_path_factory.mktemp(request.param)
    data = table.write(folder / "table.csv", 1, ROWS)
    baked = bake(folder, project=table.project, data=str(data), target=table.target)
    (baked.path / ".venv").symlink_to(packages / ".venv")
    script = packages / ".venv/bin" / table.project
    script.write_text('#!/bin/sh\nexec python -m lifecycle.cli "$@"\n')
    script.chmod(0o755)
    repo = Repo(baked.path, table, request.param, packages / "pyspark")
    repo.replace("params.yaml", "bootstrap: 1000", "bootstrap: 100")
    repo.replace("serving.yaml", "min_rows: 500", "min_rows: 100")
    repo.replace("serving.yaml", "max_latency_ratio: 1.5", "max_latency_ratio: 100")  # other tests take the time
    repo.replace("monitoring.yaml", "min_rows: 500", "min_rows: 200")
    repo.replace("serving.yaml", "poll_seconds: 2 ", "poll_seconds: 0.5 ")
    repo.commit("Settings for a test")
    repo.command(f"adopt {table.options}" if table.options else "adopt")
    yield repo
    repo.run(f"{table.project} deploy stop", check=False)


def test_a_repo_about_an_own_table_has_no_word_of_the_sample(repo: Repo) -> None:
    listed = repo.run("git ls-files").stdout.splitlines()

    traces = [
        name for name in listed if re.search("telco|churn", name + repo.path.joinpath(name).read_text("latin-1"), re.I)
    ]
    assert traces == []
    assert repo.run("git status --porcelain").stdout == ""
    assert repo.run("git log --format=%s").stdout.splitlines()[0].startswith("Adopt table.csv: predict ")


def test_its_style_and_types_are_clean_and_its_tests_pass_with_nothing_skipped(
    repo: Repo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.getbasetemp().parent / "mypy"

    repo.run("make lint", MYPY_CACHE_DIR=str(cache))
    tested = repo.run("make test").stdout

    assert re.search(r"^\d+ passed in", tested, flags=re.MULTILINE), tested[-500:]


def test_its_model_goes_the_whole_way_from_a_first_release_to_a_rollback(repo: Repo, tmp_path: Path) -> None:
    released_without_a_base(repo)
    rows_are_answered(repo)
    assert "healthy" in monitored(repo, "simulate --rows 300 --labels")
    second_version(repo)
    tried_as_shadow(repo)
    promoted_after_a_canary(repo)
    tables_are_scored_alike(repo, tmp_path)
    shifted = monitored(repo, f"simulate --rows 300 --shift '{repo.table.shift}'")
    assert f"\n{repo.table.shift.partition('=')[0]} drifted: wasserstein" in shifted
    assert "not enough to act: an alarm in 1 of the last 1 windows" in shifted  # of this version
    retrained(repo, tmp_path)
    repo.command("rollback --reason worse")
    moves = [line.split()[2:5] for line in repo.command("history").splitlines()[1:]]
    assert moves[-1] == ["rollback", "production", "1"]


def released_without_a_base(repo: Repo) -> None:
    gate = repo.run("make gate").stdout
    assert gate.startswith("gate: PASS against HEAD~1"), gate
    repo.command("register")
    repo.command("promote --to staging --reason first")
    assert "check: version 1 has passed" in repo.command("check")
    assert "version 1 is served as production and reproduces the predictions of evaluate" in repo.command(
        "deploy --env production --reason first"
    )


def rows_are_answered(repo: Repo) -> None:
    """One by one and many at once, with and without an id; the label is of the target's type."""
    table, target, own_id = repo.table.records(9, 5), repo.table.target, repo.read("params.yaml")["data"]["id"]
    inputs = [{name: value for name, value in row.items() if name != target} for row in table]
    without_id = [{name: value for name, value in values.items() if name != own_id} for values in inputs]

    alone = repo.post("/predict", inputs[0])
    many = repo.post("/predict/batch", {"records": without_id})["predictions"]

    answer = {name: value for name, value in alone.items() if name != "request_id"}
    assert answer == {name: value for name, value in many[0].items() if name != "request_id"}
    assert len(many) == len(inputs)
    kind = {"multiclass": int, "binary": bool, "regression": float}[repo.task]
    assert type(alone["prediction" if repo.task == "regression" else "label"]) is kind
    assert repo.post("/feedback", {"request_id": alone["request_id"], "label": table[0][target]}) is None
    assert repo.post("/feedback", {"request_id": alone["request_id"], "label": "nonsense"}, code=422)


def monitored(repo: Repo, traffic: str) -> str:
    """Return what `monitor` prints of some traffic alone."""
    since = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S}"
    repo.command(traffic)
    return repo.command(f"monitor --since {since}")


def second_version(repo: Repo) -> None:
    """Another setting, judged against the first model, is version 2, in staging."""
    repo.run("git switch --quiet --create change")
    text = repo.text("params.yaml")
    text = re.sub(r"min_samples_leaf: (\d+)", lambda m: f"min_samples_leaf: {int(m[1]) + 2}", text, count=1)
    (repo.path / "params.yaml").write_text(text, encoding="utf-8")
    repo.run("make repro")
    repo.commit("Larger leaves")
    assert repo.run("make gate").stdout.startswith("gate: PASS against main")
    assert "version 2 of" in repo.command("register")
    repo.command("promote --to staging --reason second")
    repo.command("check")


def tried_as_shadow(repo: Repo) -> None:
    repo.command("deploy --env production --shadow")
    repo.command("simulate --rows 150 --labels")
    figures = {
        "multiclass": r"\d+ with labels  accuracy 0\.\d+, production 0\.\d+; log loss \d+\.\d+, production",
        "binary": r"\d+ with labels  accuracy 0\.\d+, production 0\.\d+; log loss \d+\.\d+, production",
        "regression": r"\d+ with labels  mean absolute error \d+\.\d+, production",
    }

    def seen() -> bool:
        printed = repo.run(f"{repo.table.project} compare", check=False).stdout
        return re.search(figures[repo.task], printed) is not None

    until(seen, "the shadow, which answers when others rest, is compared")
    compared = repo.command("compare")
    assert "shadow, version 2, beside production, version 1: " in compared
    assert re.search(figures[repo.task], compared), compared
    assert re.search(r"scores apart by   [\d.]+ on average", compared)


def promoted_after_a_canary(repo: Repo) -> None:
    """It waits, and says for what, until there is traffic; a row without an id always gets the same version."""
    row = {name: value for name, value in repo.table.records(9, 1)[0].items() if name != repo.table.target}
    row = {name: value for name, value in row.items() if name != repo.read("params.yaml")["data"]["id"]}
    repo.replace("serving.yaml", "wait_minutes: 60", "wait_minutes: 0.01")
    waiting = repo.command("deploy --env production --canary 30 --reason second", code=2)
    repo.replace("serving.yaml", "wait_minutes: 0.01", "wait_minutes: 60")
    assert "the canary has answered 0 of 100 rows; no row has come in since the canary began" in waiting

    assert len({repo.post("/predict", row)["model_version"] for _ in range(20)}) == 1
    by_version = dict(re.findall(r"by version (\d): (\d+)", repo.command("simulate --rows 150")))
    assert by_version.keys() == {"1", "2"}
    status = repo.command("deploy status", code=1)  # no server of staging was started
    assert re.search(
        r"wait: the canary has answered \d+ of 100 rows; it gets \d+ of the \d+ different ids so far", status
    )
    repo.command("simulate --rows 450")
    promoted = repo.command("deploy --env production --canary 30 --reason second")
    assert re.search(r"the canary has passed: \d+ rows of \d+ ids; errors 0\.00%", promoted)
    assert "version 2 is served as production" in promoted


def tables_are_scored_alike(repo: Repo, folder: Path) -> None:
    """The raw file, and a new one in its dialect that has no target: locally and on Spark."""
    assert f"scored {ROWS} of {ROWS} rows of data/raw/table.csv, 0 quarantined" in repo.run("make score-demo").stdout
    new = repo.table.write(folder / "new.csv", 2, 200, labelled=False)
    repo.command(f"score --input {new} --output local")
    repo.run(
        f"{repo.table.project} score --engine spark --master 'local[2]' --input {new} --output spark",
        PYTHONPATH=f"src:{repo.pyspark}",
    )
    values = "sorted(frame.drop(columns='scored_at').astype(str).agg('|'.join, axis=1))"
    local, on_spark = (
        [row for file in sorted((repo.path / name).rglob("*.parquet")) for row in repo.parquet(str(file), values)]
        for name in ("local", "spark")
    )
    assert len(local) == 200
    assert sorted(local) == sorted(on_spark)


def retrained(repo: Repo, folder: Path) -> None:
    """Rows that the dataset does not have come in with labels, and are added to it, as the file is written."""
    repo.commit("Settings")
    new = repo.table.write(folder / "labelled.csv", 3, 150)
    repo.command(f"simulate --rows 150 --labels --input {new}")
    repo.run("git branch --force main")
    printed = repo.command("retrain --local")
    new_rows = re.search(r"(\d+) rows are new", printed)
    assert new_rows, printed
    assert 140 <= int(new_rows[1]) <= 151  # a row may be there already; one was labelled one by one
    assert "gate: PASS" in printed
    branch = re.search(r"committed as (\S+)", printed)
    assert branch
    raw = repo.run(f"git show --stat {branch[1]}").stdout
    assert "data/raw/table.csv.dvc" in raw
