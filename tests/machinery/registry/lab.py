"""A repo with models to register, through the command line, and a real MLflow store for them."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lifecycle import cli
from lifecycle.core import config, version_code
from lifecycle.core.dvc_files import stages_here
from lifecycle.core.files import file_hash
from lifecycle.core.git import git
from lifecycle.core.tracking import lock_hash, run_of
from lifecycle.registry import ledger
from lifecycle.registry.aliases import ALIASES, Held, held
from lifecycle.registry.moves import STAGING_CHECKS

RAW = "data/raw/rows.csv"
SCORING, REPORT = "src/lifecycle/core/scoring.py", "src/lifecycle/gate/report.py"
NONE: dict[str, int | None] = dict.fromkeys(ALIASES)


def code(package: str) -> dict[str, str]:
    """Files of a repo in which a version answers with the user's package and with scoring.py, and not with report.py."""
    return {SCORING: "", REPORT: "", f"src/{package}/features.py": ""}


@dataclass
class Lab:
    """A repo with models to register, and a store for them."""

    client: Any
    model: str
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command; return what it prints, errors included."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main(list(arguments))
        printed = "".join(self.capture.readouterr())
        assert leaving.value.code == code, printed
        return printed

    def train(self, name: str, verdict: str = "pass") -> None:
        """Put a model into models/, commit its dvc.lock, track it, and note the gate's verdict on its run."""
        config.MODEL.write_text(name)
        lock = {"stages": {"data": {"deps": [{"path": RAW, "md5": "d" * 32}]}, "train": {"cmd": name}}}
        config.LOCK.write_text(json.dumps(lock))
        self.commit(name)
        self.track()
        self.gate(verdict, f"{verdict}: {name}")

    def commit(self, message: str) -> None:
        git("add", "--all")
        git("commit", "--quiet", "--message", message)

    def track(self) -> None:
        """Log the model in models/ with the code of the working tree, on the run it has or on a new one."""
        experiment = self.client.get_experiment_by_name(self.model) or self.client.get_experiment(
            self.client.create_experiment(self.model)
        )
        run = self.run or self.client.create_run(experiment.experiment_id)
        logged = self.client.create_logged_model(experiment.experiment_id, "model", source_run_id=run.info.run_id)
        self.client.log_model_artifact(logged.model_id, str(config.MODEL))
        tags = {"model.sha256": file_hash(config.MODEL), "complete": "true", "model.id": logged.model_id}
        tags["code.sha256"] = version_code.hash_here(config.load().package)
        self.tag(run, tags)

    def gate(self, verdict: str = "pass", reason: str = "") -> None:
        """Note a verdict on the last commit on the run of its model."""
        tags = {"gate.verdict": verdict, "gate.reason": reason}
        tags["gate.dvc.lock.sha256"] = lock_hash(stages_here())
        tags["gate.code.sha256"] = str(version_code.hash_at("HEAD"))
        self.tag(self.run, tags)

    @property
    def run(self) -> Any:
        """The run of the model in models/, if it was logged."""
        return run_of(self.client, config.load(), file_hash(config.MODEL))

    def tag(self, run: Any, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            self.client.set_tag(run.info.run_id, key, value)

    def to_production(self, name: str) -> None:
        """Take a new model all the way; what staging checks is taken as passed."""
        self.train(name)
        self("register")
        self("promote", "--to", "staging", "--reason", name)
        self.pass_checks()
        self("promote", "--to", "production", "--reason", name)

    def twin(self, version: Any) -> Any:
        """Add a version that is made of the same model as another."""
        logged = version.source.removeprefix("models:/")
        return self.client.create_model_version(
            self.model, version.source, version.run_id, version.tags, model_id=logged
        )

    def pass_checks(self) -> None:
        self.client.set_model_version_tag(self.model, str(self.aliases["staging"]), STAGING_CHECKS, "passed: by a test")

    @property
    def aliases(self) -> dict[str, int | None]:
        """Alias → version, as MLflow has them."""
        current = held(self.client, self.model) or Held({})
        return {alias: current.aliases.get(alias) for alias in ALIASES}

    @property
    def moves(self) -> list[tuple[str, str, int, int | None]]:
        moves = ledger.history(self.client, self.model)
        return [(move.action, move.alias, move.version, move.previous) for move in moves]

    def everything(self) -> Any:
        return self.aliases, self.moves, len(self.client.search_model_versions(f"name = '{self.model}'"))


def tag(lab: Lab, name: str, value: str | None) -> None:
    experiment = lab.client.get_experiment_by_name(lab.model)
    (run,) = lab.client.search_runs([experiment.experiment_id])
    if value is None:
        lab.client.delete_tag(run.info.run_id, name)
    else:
        lab.client.set_tag(run.info.run_id, name, value)


def promote(to: str, *more: str) -> tuple[str, ...]:
    return ("promote", "--to", to, "--reason", "why", *more)
