"""The loop on one machine: serve a model, let the world change, detect the drift, retrain, and see the new model pass the gate.

    make drift-demo

It runs in a clone, .drift-demo/repo, with an MLflow store, a git remote and a server of its own; your repo and its production
are not touched. What happens to the customers of the sample:

- The first model is trained on the first 5,400 customers. It has never seen the other 1,643.
- The first 543 of those are replayed as they are, with their labels.
- Before the last 1,100 are replayed, prices rise by 40%, and whoever then pays more than 105 dollars a month gets a bonus and
  stays. Everybody else does what the sample says. So the columns drift, and so does how the label depends on them.
"""

import datetime
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

PLACE = Path(".drift-demo")
REPO = PLACE.absolute() / "repo"
RAW = REPO / "data/raw/telco.csv"
PORT = os.environ.get("PORT", "8010")
KNOWN, AS_BEFORE, WINDOW = 5_400, 543, 550  # customers
URL = f"http://127.0.0.1:{PORT}"
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MLFLOW_", "GH_", "SERVING_"))
} | {
    "PYTHONPATH": "src",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "MLFLOW_TRACKING_URI": f"sqlite:///{REPO}/mlflow.db",
    "DVC_NO_ANALYTICS": "1",
}
CLI = "<< cookiecutter.project >>"
QUICK = (  # what takes long and shows nothing here
    ("params.yaml", "bootstrap: 1000", "bootstrap: 200"),
    (
        "gates.yaml",
        "not_recomputed: {}",
        "not_recomputed: {data: quick, validate: quick, featurize: quick, train: quick}",
    ),
)
# What takes a model to production, in one process: importing MLflow takes longer than any of it.
RELEASE = """
from lifecycle.cli import main
for command in ("gate --base HEAD~1 --record", "register", "promote --to staging --reason demo", "check",
                "promote --to production --reason demo"):
    try:
        main(command.split())
    except SystemExit as done:
        if done.code:
            raise
"""


def run(command: str, accept: tuple[int, ...] = (0,), quiet: bool = False) -> None:
    """Print a command and run it in the clone."""
    if not quiet:
        print(f"\n$ {command}", flush=True)
    done = subprocess.run(
        shlex.split(command),
        cwd=REPO,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT,
    )
    if done.returncode not in accept:
        sys.exit(f"error: `{command}` ends with {done.returncode}\n{(done.stdout or b'').decode()[-2000:]}")


def prepare() -> None:
    """Make a clone with the first customers, and files with the others: as they are, and after the prices have risen."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    (PLACE / ".gitignore").write_text("*\n")
    subprocess.run(["git", "clone", "--quiet", ".", str(REPO)], check=True, env=ENVIRONMENT)
    (REPO / ".dvc/config.local").write_text(f"[cache]\n    dir = {Path('.dvc/cache').absolute()}\n")
    run("git config user.name drift-demo", quiet=True)
    run("git config user.email drift-demo@localhost", quiet=True)
    run("git switch --quiet -C main", quiet=True)
    run("dvc pull --quiet data/raw/telco.csv.dvc", quiet=True)
    # Without results there is no model to compare with.
    run("git rm -rq --ignore-unmatch metrics plots reports dvc.lock", quiet=True)
    run("git commit --quiet --allow-empty --message 'Before the first model'", quiet=True)
    for name, default, quick in QUICK:
        (REPO / name).write_text((REPO / name).read_text().replace(default, quick))
    customers = pd.read_csv(RAW)
    customers.iloc[:KNOWN].to_csv(RAW, index=False)
    customers.iloc[KNOWN : KNOWN + AS_BEFORE].to_csv(PLACE / "as_before.csv", index=False)
    later = customers.iloc[KNOWN + AS_BEFORE :].copy()
    later["monthly_charges"] = (later["monthly_charges"] * 1.4).round(2)
    later.loc[later["monthly_charges"] > 105, "churn"] = "No"
    later.iloc[:WINDOW].to_csv(PLACE / "risen_1.csv", index=False)
    later.iloc[WINDOW:].to_csv(PLACE / "risen_2.csv", index=False)


def train() -> None:
    """Train the first model, and make a remote for what comes after it."""
    run("dvc add --quiet data/raw/telco.csv", quiet=True)
    run("dvc push --quiet data/raw/telco.csv.dvc", quiet=True)
    run("dvc repro", quiet=True)
    run("git add --all", quiet=True)
    run("git commit --quiet --message 'The customers so far'", quiet=True)
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", str(REPO), str(PLACE / "origin.git")], check=True, env=ENVIRONMENT
    )
    run(f"git remote set-url origin {PLACE.absolute() / 'origin.git'}", quiet=True)


def release() -> None:
    """Take the model through the gate and into production, as every model goes."""
    (PLACE / "release.py").write_text(RELEASE)
    run("python ../release.py", quiet=True)


def traffic(name: str, rows: int) -> str:
    """Replay the customers of a file with their labels; return the window in which that was."""
    time.sleep(1)  # windows are of whole seconds
    since = datetime.datetime.now(datetime.UTC)
    run(f"{CLI} simulate --input ../{name} --rows {rows} --labels --url {URL}")
    time.sleep(1)
    return f"--since {since:%Y-%m-%dT%H:%M:%S.%f} --until {datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.%f}"


def main() -> None:
    if not Path("data/raw/telco.csv.dvc").exists():
        sys.exit("error: the demo needs the sample's customers, data/raw/telco.csv.dvc")
    began = time.monotonic()
    print(
        f"Training the first model in {PLACE}/repo and taking it to production there; this takes a minute or two ...",
        flush=True,
    )
    prepare()
    train()
    server = subprocess.Popen(
        [CLI, "serve", "--port", PORT],
        cwd=REPO,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=(PLACE / "server.log").open("w"),
    )
    try:
        release()  # the server picks up what is in production
        deadline = time.monotonic() + 300
        while subprocess.run(["curl", "-fs", "-o", os.devnull, f"{URL}/health/ready"]).returncode:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"error: the server does not start: see {PLACE}/server.log")
            time.sleep(0.2)
        print("\nTraffic as usual:")
        run(f"{CLI} monitor {traffic('as_before.csv', AS_BEFORE)}", accept=(0, 1, 2))
        print("\nPrices rise by 40%, and customers who pay much get a bonus and stay. One window is not enough to act:")
        run(f"{CLI} monitor {traffic('risen_1.csv', WINDOW)}", accept=(0, 1, 2))
        print("\nThe drift lasts, so it is time to act:")
        run(f"{CLI} monitor {traffic('risen_2.csv', WINDOW)} --act", accept=(0, 1, 2))
        if not subprocess.run(["git", "branch", "--list", "retrain/*"], cwd=REPO, capture_output=True).stdout:
            run(f"{CLI} retrain --reason 'prices have risen'")
    finally:
        server.terminate()
        server.wait(30)
    print(f"\nDone in {time.monotonic() - began:.0f} s. The model came back as a branch:\n")
    run("git log -1 --format=%B --branches=retrain/*")
    print(f"\nOpen in a browser: {next(iter(sorted(REPO.glob('reports/monitoring/*/drift.html'))[::-1]), 'no report')}")
    print(f"The runs in MLflow: cd {REPO} && make ui. The pull request's text: {REPO}/.dvc/tmp/retrain.md")


if __name__ == "__main__":
    main()
