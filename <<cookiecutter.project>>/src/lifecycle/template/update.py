"""Renew this repo from its template.

The template is rendered twice with the recorded answers: as this repo was made from it, and as it is now. The difference is
picked onto a branch of its own, as a three-way merge: what the user has edited, renamed or deleted is git's business. It is tried
in a worktree first; the checkout changes in the end, in one step.
"""

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from lifecycle.core import package_versions
from lifecycle.core.errors import ConfigError, ProjectError, did_you_mean
from lifecycle.core.files import write_text
from lifecycle.core.git import environment, files_at, git
from lifecycle.core.worktree import checked_out
from lifecycle.template import lock_file
from lifecycle.template.branch import DELETED_HERE, PREFIX, check_checkout, check_free, pick, switch, switch_and_pick
from lifecycle.template.provenance import FOLDER, PATH, Record, read, record
from lifecycle.template.render import render
from lifecycle.template.renders import Renders, stored
from lifecycle.template.source import Template, Version, prompts
from lifecycle.template.update_result import CONFLICTS, Update
from lifecycle.template.user_files import keep, owned

ENVIRONMENT = "environment.yaml"
FIXED = ("project", "package", "data", "target")


def update(revision: str | None, answers: dict[str, str], address: str | None) -> Update | None:
    """Renew this repo on a branch of its own, and check the branch out. Returns None if there is nothing to do.

    Args:
        revision: of the template: a tag, branch or commit; None for the newest.
        answers: to prompts, that differ from those recorded.
        address: of the template, if it has moved.

    Raises ConfigError if the checkout has changes, the template cannot be fetched, or an answer is wrong. The repo is then as it was.
    """
    before = read()
    check_checkout()
    if address and Path(address).expanduser().exists():
        address = str(Path(address).expanduser().absolute())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        template = Template(address or before.template, FOLDER / "template")
        version = template.at(revision) if revision else template.newest()
        _check_answers(answers, version)
        new, context = render(version, before.answers | answers, FOLDER / "new")
        renders = Renders(FOLDER / "renders.git")
        after = record(address or before.template, version.number, version.commit, context, renders.tree(new))
        if (after.tree, after.answers) == (before.tree, before.answers):
            return None
        renders.keep(after.tree)
        old = _base(before, template, renders)
        return _merge(before, after, version, renders, old, new)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def _check_answers(answers: dict[str, str], version: Version) -> None:
    known = prompts(version)
    for name in answers:
        if name not in known:
            raise ConfigError(f"SET: template {version.name} has no prompt {name}{did_you_mean(name, known)}")
        if name in FIXED:
            raise ConfigError(f"SET: {name} cannot be changed by an update")


def _base(before: Record, template: Template, renders: Renders) -> Path:
    """The render that this repo was made from: as it is kept here, or rendered again."""
    render_kept = stored(before.tree, FOLDER / "old")
    if render_kept and renders.tree(render_kept) == before.tree:  # git may change line ends as it extracts
        return render_kept
    if before.commit is None:
        raise ConfigError(
            f"{PATH}: the template had no commit, and this clone does not hold its render; "
            "`git fetch origin 'refs/template/*:refs/template/*'` if another clone has pushed it, or record a commit: template-link"
        )
    rendered, _ = render(template.at(before.commit), before.answers, FOLDER / "rendered")
    if renders.tree(rendered) != before.tree:
        raise ConfigError(
            f"template {before.name} does not render what {PATH} records: it had uncommitted changes, or cookiecutter "
            f"{before.cookiecutter} rendered it differently; update from the clone that was scaffolded, or record it anew: template-link"
        )
    return rendered


def _merge(before: Record, after: Record, version: Version, renders: Renders, old: Path, new: Path) -> Update:
    """Pick the difference of two renders onto HEAD: in a worktree, until what is decided here is in both renders, then for good."""
    files = renders.difference(old, new)
    paths = {
        *owned(old, before.answers["package"]),
        *owned(new, before.answers["package"]),
        *lock_file.NAMES,
        ENVIRONMENT,
    }
    present = files_at("HEAD", *paths, str(PATH))
    user_files = keep(old, new, present, before.answers["package"])
    pins_differ = lock_file.bring(old, new, present)
    (old / PATH).write_bytes(present[str(PATH)])
    (new / PATH).write_text(after.text(), encoding="utf-8")
    message = f"Update from the template: {before.name} to {after.name}"
    deleted: list[str] = []
    with checked_out("HEAD", FOLDER / "worktree") as folder:
        conflicts = pick(folder, renders.commit(old, new, message))
        while gone := [path for path, code in conflicts.items() if code == DELETED_HERE]:
            deleted += gone
            for path in gone:
                (old / path).unlink(missing_ok=True)
                (new / path).unlink(missing_ok=True)
            conflicts = pick(folder, renders.commit(old, new, message))
        lock_failure = None
        if "pyproject.toml" in conflicts:
            lock_failure = "pyproject.toml has conflicts"
        elif pins_differ or not _same(folder / "pyproject.toml", new / "pyproject.toml"):
            lock_failure = lock_file.resolve(folder, new)
        _bring_environment(folder, old, new, present)
        conflicts = pick(folder, commit := renders.commit(old, new, message))
        picked = None if conflicts else git("rev-parse", "HEAD", folder=folder).strip()
        unanswered = None if conflicts else _settings_error(folder)
    branch = f"{PREFIX}{after.version or (after.commit or after.tree)[:9]}"
    check_free(branch, commit)
    if picked:
        switch(branch, picked)
    else:
        switch_and_pick(branch, commit)
    return Update(
        before=before,
        after=after,
        branch=branch,
        commit=picked,
        conflicts={path: CONFLICTS.get(code, code) for path, code in conflicts.items()},
        files=len(files),
        user_files=user_files,
        deleted=deleted,
        new_prompts={name: answer for name, answer in after.answers.items() if name not in before.answers},
        lock_failure=lock_failure,
        unanswered=unanswered,
        changes=version.changes_since(before.version),
    )


def _bring_environment(folder: Path, old: Path, new: Path, present: dict[str, bytes]) -> None:
    """Write environment.yaml as the lock and the imports of the user's package have it now."""
    if (old / ENVIRONMENT).exists() and ENVIRONMENT not in present:  # the user has deleted it
        (old / ENVIRONMENT).unlink()
        (new / ENVIRONMENT).unlink(missing_ok=True)
    if not (new / ENVIRONMENT).exists():
        return
    with suppress(ProjectError):  # of files in conflict; the gate says that `make environment` is to be run
        text = package_versions.text_of(package_versions.locked(folder), package_versions.python_version(folder))
        write_text(text, new / ENVIRONMENT)
    if ENVIRONMENT in present:
        (old / ENVIRONMENT).write_bytes(present[ENVIRONMENT])


def _same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.read_bytes() == other.read_bytes()


def _settings_error(folder: Path) -> str | None:
    """What the new code finds wrong with params.yaml, such as a setting that has no default."""
    program = "from lifecycle.core import config, errors\ntry:\n config.load()\nexcept errors.ProjectError as e:\n errors.exit_with(e)"
    variables = environment() | {"PYTHONPATH": "src"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=folder, env=variables, capture_output=True, text=True
    )
    return done.stderr.strip().removeprefix("error: ").splitlines()[-1] if done.returncode else None
