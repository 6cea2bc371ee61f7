"""Find the version of the template that a repo was made from, for a repo that does not record it."""

import re
import shutil
import tomllib
from configparser import ConfigParser
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml
from lifecycle.core.git import changed_files, files_at, git
from lifecycle.template.branch import check_repository
from lifecycle.template.provenance import FOLDER, PATH, Record, record
from lifecycle.template.render import render
from lifecycle.template.renders import Renders
from lifecycle.template.source import Template, prompts

CANDIDATES = 3  # commits with as many files in common, that are rendered to choose between


def link(address: str) -> list[str]:
    """Record the closest version of a template, and the answers that the repo shows. Returns what was found, a line each.

    Raises ConfigError if the repo has changes that are not committed, or the address leads to no template with a history.
    """
    check_repository()
    if changed := changed_files("HEAD"):
        raise ConfigError(f"uncommitted changes in {', '.join(changed[:5])}: commit or stash them first")
    scaffold = git("rev-list", "--max-parents=0", "HEAD").split()[-1]
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        template = Template(address, FOLDER / "template")
        renders = Renders(FOLDER / "renders.git")
        answers = answers_of(scaffold)
        best: tuple[int, Record] | None = None
        for number, commit in enumerate(_closest(template, scaffold)):
            version = template.at(commit)
            known = {  # a part whose folder is not there was answered with no
                name: answers.get(name, False)
                for name, default in prompts(version).items()
                if name in answers or isinstance(default, bool)
            }
            try:
                rendered, context = render(version, known, FOLDER / f"render-{number}")
            except ConfigError:  # a commit in the middle of work, which nobody has made a repo from
                continue
            tree = renders.tree(rendered)
            renders.keep(tree)
            differing = len(git("diff", "--name-only", scaffold, tree, "--", f":!{PATH}").splitlines())
            if best is None or differing < best[0]:
                best = differing, record(address, version.number, commit, context, tree)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    if best is None:
        raise ConfigError(f"{address}: has no commit that this repo could have been made from")
    differing, closest = best
    PATH.write_text(closest.text(), encoding="utf-8")
    return [
        f"made from template {closest.name}: {differing or 'no'} files of the scaffold are different",
        f"wrote {PATH}: check its answers, commit it, then run template-update",
    ]


def _closest(template: Template, scaffold: str) -> list[str]:
    """The commits of the template that have most files in common with the scaffold, and among these the fewest others."""
    present = set(git("ls-tree", "-r", "--format=%(objectname)", scaffold).split())
    scores = {commit: template.blobs(commit) for commit in template.commits()}
    order = sorted(scores, key=lambda commit: (-len(scores[commit] & present), len(scores[commit] - present)))
    return [commit for commit in order if scores[commit] & present][:CANDIDATES]


def answers_of(commit: str) -> dict[str, Any]:
    """Return the answers to the prompts that a scaffold shows in its files."""
    texts = {
        name: content.decode("utf-8")
        for name, content in files_at(commit, "pyproject.toml", "params.yaml", ".dvc/config").items()
    }
    if missing := {"pyproject.toml", "params.yaml", ".dvc/config"} - texts.keys():
        raise ConfigError(f"{min(missing)}: not in the first commit, so this repo was not made from a template of ours")
    project, params = tomllib.loads(texts["pyproject.toml"])["project"], parse_yaml(texts["params.yaml"], "params.yaml")
    folders = git("ls-tree", "-r", "-d", "--name-only", commit).splitlines()
    license_name = project["license"]
    remote = _remote(texts[".dvc/config"])
    return {
        "project": project["name"],
        "package": params.get("package") or _package(folders),
        "data": "",
        "target": "",
        "description": project["description"],
        "author": project["authors"][0]["name"],
        "email": git("log", "-1", "--format=%ae", commit).strip(),
        "python_version": project["requires-python"].removeprefix(">="),
        "license": "proprietary" if license_name == "LicenseRef-Proprietary" else license_name,
        **remote,
        "tracking_uri": params["track"]["tracking_uri"],
        **{folder.removeprefix("src/lifecycle/"): True for folder in folders if folder.startswith("src/lifecycle/")},
    }


def _package(folders: list[str]) -> str:
    return next(folder.split("/")[1] for folder in folders if folder.count("/") == 1 and folder.startswith("src/"))


def _remote(text: str) -> dict[str, str]:
    """The kind and the address of the remote `storage`, as they are asked for."""
    parser = ConfigParser()
    parser.read_string(re.sub(r"^\s+", "", text, flags=re.MULTILINE))
    url = parser["'remote \"storage\"'"]["url"]
    kind = url.partition("://")[0] if "://" in url else "local"
    return {"remote": kind, "remote_url": url.removeprefix("../") if kind == "local" else url}
