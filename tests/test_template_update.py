"""`make template-update`: a repo of every released version, of every part, edited or not, becomes what the template renders now."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TEMPLATE, BakedProject, clean_environment
from cookiecutter.main import cookiecutter
from github import hub
from runner import TOOLS, act, jobs

PARTS = ["registry", "serving", "batch", "monitoring", "retraining"]
NEEDS = {"serving": 1, "batch": 1, "monitoring": 2, "retraining": 2}  # how many of PARTS have to be there before
RELEASES = {  # the last commit of every version that can be updated
    "0.2.0": "309a212df9718759e4d8e8f061e28e3eac8e9211",
    "0.3.0": "d8bdda51fcea68384eb11c0bb7ff88de0a459acd",
}
RECORD = ":!.template.json"
Run = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def present_version() -> str:
    return version_in((TEMPLATE / "pyproject.toml").read_text())


def version_in(text: str) -> str:
    return str(tomllib.loads(text)["project"]["version"])


@pytest.fixture(scope="session")
def template(once: Callable[..., BakedProject]) -> Path:
    """A clone of the template with what is not committed yet as its newest commit."""

    def make(folder: Path) -> BakedProject:
        clone = folder / "template"
        git(folder, "clone", "--quiet", str(TEMPLATE), str(clone))
        for name in git(TEMPLATE, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deleted").split(
            "\0"
        ):
            if name and (TEMPLATE / name).exists():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TEMPLATE / name, clone / name)
            elif name:
                (clone / name).unlink(missing_ok=True)
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--allow-empty", "--message", "Present state")
        return BakedProject(clone)

    return once("template", make).path


@pytest.fixture
def own_template(template: Path, tmp_path: Path) -> Path:
    """A clone of the template that a test may add versions to."""
    git(tmp_path, "clone", "--quiet", str(template), str(tmp_path / "template"))
    return tmp_path / "template"


def scaffold(template: Path, folder: Path, checkout: str | None = None, **answers: object) -> BakedProject:
    """Render a version of the template as a person does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(f"cookiecutters_dir: {folder / 'c'}\nreplay_dir: {folder / 'r'}\n")
    source = template
    if checkout:
        source = folder / f"template-{checkout[:9]}"
        git(template, "worktree", "add", "--quiet", "--detach", "--force", str(source), checkout)
    path = cookiecutter(
        str(source),
        no_input=True,
        extra_context={"project": "mine", **answers},
        output_dir=str(folder),
        config_file=str(folder / "config.yaml"),
    )
    return BakedProject(Path(path))


@pytest.fixture
def run(project: BakedProject, template: Path) -> Run:
    """Run a command of lifecycle in a repo, with the code of the present version and the environment of a project."""

    def run(repo: BakedProject, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [project.path / ".venv/bin/python", "-m", "lifecycle.cli", *arguments],
            cwd=repo.path,
            env=clean_environment() | {"PYTHONPATH": str(template / "<<cookiecutter.project>>" / "src")},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    return run


def assert_same(repo: BakedProject, expected: BakedProject, *except_for: str) -> None:
    """The commits of two repos have the same files, but for the record and those named."""
    git(repo.path, "fetch", "--quiet", str(expected.path), "HEAD")
    paths = [RECORD, *(f":!{path}" for path in except_for)]
    assert git(repo.path, "diff", "--name-status", "FETCH_HEAD", "HEAD", "--", ".", *paths) == ""


def new_version(template: Path, **changes: tuple[str, str]) -> None:
    """Commit another version of the template: file → a text in it, and what replaces it."""
    for path, (before, after) in {"pyproject.toml": (present_version(), "9.0.0"), **changes}.items():
        file = template / ("<<cookiecutter.project>>" if path != "pyproject.toml" else "") / path
        text = file.read_text(encoding="utf-8")
        assert before in text, path
        file.write_text(text.replace(before, after, 1), encoding="utf-8")
    git(template, "add", "--all")
    git(template, "commit", "--quiet", "--message", "Version 9")


@pytest.mark.parametrize("number", RELEASES)
@pytest.mark.parametrize("edited", [False, True], ids=["as rendered", "edited"])
def test_a_repo_of_a_released_version_becomes_what_the_template_renders_now(
    template: Path, tmp_path: Path, run: Run, number: str, edited: bool
) -> None:
    repo = scaffold(template, tmp_path / "old", RELEASES[number], author="Jane Doe", license="Apache-2.0", batch=False)
    if edited:
        repo.replace("params.yaml", "max_iter: 150", "max_iter: 99")
        repo.replace("src/mine/features.py", '"""', '"""Mine. ')
        (repo.path / "Dockerfile").unlink()
        (repo.path / "notes.md").write_text("mine\n")
        repo.commit("Mine")
    linked = run(repo, "template-link", str(template)).stdout
    repo.commit("Link")

    output = run(repo, "template-update").stdout

    assert (
        f"made from template {number} ({RELEASES[number][:9]})" in linked or "0 files" in linked or "no files" in linked
    )
    expected = scaffold(template, tmp_path / "new", author="Jane Doe", license="Apache-2.0", batch=False)
    own = ["params.yaml", "src/mine/features.py", "Dockerfile", "notes.md"] if edited else []
    assert_same(repo, expected, *own)
    assert git(repo.path, "branch", "--show-current") == f"template-update/{present_version()}"
    assert "to do by hand:\n  " in output
    if edited:
        assert "max_iter: 99" in repo.text("params.yaml")
        assert "Mine. " in repo.text("src/mine/features.py")
        assert not (repo.path / "Dockerfile").exists()
        assert repo.text("notes.md") == "mine\n"
        assert "stay deleted:\n  Dockerfile" in output
    assert run(repo, "template-update").stdout.startswith("nothing to update")
    assert git(repo.path, "status", "--porcelain") == ""


def test_every_part_can_be_added_and_dropped(template: Path, tmp_path: Path, run: Run) -> None:
    repo = scaffold(template, tmp_path / "repo", **dict.fromkeys(PARTS, False))
    repo.replace("README.md", "\n## ", "\nA line of mine.\n\n## ")
    repo.commit("Mine")
    present: set[str] = set()
    for step, (part, answer) in enumerate(
        [*((part, True) for part in PARTS), *((part, False) for part in PARTS[::-1])]
    ):
        present = present | {part} if answer else present - {part}

        run(repo, "template-update", "--set", f"{part}={'yes' if answer else 'no'}")

        expected = scaffold(template, tmp_path / str(step), **{name: name in present for name in PARTS})
        assert_same(repo, expected, "README.md")
        assert "A line of mine." in repo.text("README.md")
        assert repo.read(".template.json")["answers"][part] is answer
    refused = run(repo, "template-update", "--set", "serving=yes", check=False)
    assert refused.returncode == 2
    assert "serving needs registry" in refused.stderr


def test_after_a_squash_merge_and_in_a_shallow_clone_the_next_update_is_as_good(
    own_template: Path, tmp_path: Path, run: Run
) -> None:
    repo = scaffold(own_template, tmp_path / "repo")
    repo.replace("params.yaml", "seed: 42", "seed: 7")
    repo.commit("Mine")
    new_version(own_template, **{"docs/glossary.md": ("\n", "\nfirst\n")})
    run(repo, "template-update")
    git(repo.path, "switch", "--quiet", "main")
    git(repo.path, "merge", "--quiet", "--squash", "template-update/9.0.0")
    repo.commit("Squashed")
    shallow = BakedProject(tmp_path / "shallow")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo.path}", str(shallow.path))
    file = own_template / "<<cookiecutter.project>>/docs/glossary.md"
    file.write_text(file.read_text().replace("first", "second"))
    git(own_template, "commit", "--quiet", "--all", "--message", "Next")

    run(shallow, "template-update")

    assert "\nsecond\n" in shallow.text("docs/glossary.md")
    assert "seed: 7" in shallow.text("params.yaml")
    assert git(shallow.path, "show", "--stat", "--format=", "--name-only", "HEAD").split() == [
        ".template.json",
        "docs/glossary.md",
    ]


def test_settings_that_are_new_come_with_their_default_and_the_users_values_stay(
    own_template: Path, tmp_path: Path, run: Run
) -> None:
    repo = scaffold(own_template, tmp_path / "repo")
    repo.replace("params.yaml", "  bootstrap: 1000 ", "  bootstrap: 300  ")
    repo.commit("Mine")
    mine = repo.text("params.yaml")
    new_version(own_template, **{"params.yaml": ("  bootstrap: 1000 ", "  folds: 5   # of what\n  bootstrap: 2000 ")})

    output = run(repo, "template-update").stdout

    assert "new settings:\n  params.yaml: evaluate.folds = 5\n" in output
    assert "kept as you edited them:\n  params.yaml\n" in output
    # The code of this version has no such setting.
    assert "to answer: params.yaml: evaluate.folds is not a parameter" in output
    added = [line for line in repo.text("params.yaml").splitlines() if line not in mine.splitlines()]
    assert added == ["  folds: 5   # of what"]
    assert [line for line in mine.splitlines() if line not in repo.text("params.yaml").splitlines()] == []


def test_real_conflicts_are_left_to_the_user_and_can_be_given_up(own_template: Path, tmp_path: Path, run: Run) -> None:
    repo = scaffold(own_template, tmp_path / "repo")
    repo.replace("Makefile", "make help", "make help of mine")
    (repo.path / "docs/new.md").write_text("mine\n")
    repo.replace("docs/releases.md", "\n", "\nmine\n")
    repo.replace("docs/serving.md", "# ", "# My ")
    repo.commit("Mine")
    folder = own_template / "<<cookiecutter.project>>"
    (folder / "docs/new.md").write_text("theirs\n")
    (folder / "docs/releases.md").unlink()
    git(folder, "mv", "docs/serving.md", "docs/online.md")
    new_version(own_template, Makefile=("make help", "make help!"))
    head = git(repo.path, "rev-parse", "HEAD")

    done = run(repo, "template-update", check=False)

    assert done.returncode == 1
    conflicts = set(git(repo.path, "diff", "--name-only", "--diff-filter=U").split())
    assert conflicts == {"Makefile", "docs/new.md", "docs/releases.md"}
    for path, reason in [
        ("Makefile", "edited on both sides"),
        ("docs/new.md", "added on both sides"),
        ("docs/releases.md", "edited here, and no longer in the template"),
    ]:
        assert re.search(rf"^  {path} +{reason}$", done.stdout, re.MULTILINE), done.stdout
    assert repo.text("docs/online.md").startswith("# My ")
    assert "an update is in progress" in run(repo, "template-update", check=False).stderr
    assert run(repo, "template-update", "--abort").stdout == "given up; back on branch main\n"
    assert git(repo.path, "rev-parse", "HEAD") == head
    assert git(repo.path, "status", "--porcelain") == ""
    assert git(repo.path, "branch", "--format=%(refname:short)") == "main"
    # ... or resolved
    run(repo, "template-update", check=False)
    git(repo.path, "checkout", "--quiet", "--theirs", "Makefile", "docs/new.md")
    git(repo.path, "rm", "--quiet", "docs/releases.md")
    git(repo.path, "add", "--all")
    git(repo.path, "-c", "core.editor=true", "cherry-pick", "--continue")
    assert run(repo, "template-update").stdout.startswith("nothing to update")
    assert "9.0.0" in git(repo.path, "log", "-1", "--format=%s")


def in_conflict(own_template: Path, folder: Path) -> BakedProject:
    """A repo whose update conflicts in the Makefile, and brings docs/new.md."""
    repo = scaffold(own_template, folder)
    repo.replace("Makefile", "make help", "make help of mine")
    repo.commit("Mine")
    (own_template / "<<cookiecutter.project>>/docs/new.md").write_text("theirs\n")
    new_version(own_template, Makefile=("make help", "make help!"), **{"docs/glossary.md": ("\n", "\nfirst\n")})
    return repo


def test_a_file_that_git_does_not_know_is_never_overwritten(own_template: Path, tmp_path: Path, run: Run) -> None:
    repo = in_conflict(own_template, tmp_path / "repo")
    (repo.path / "docs/new.md").write_text("mine\n")

    untracked = run(repo, "template-update", check=False)
    (repo.path / ".git/info/exclude").write_text("docs/new.md\n")
    ignored = run(repo, "template-update", check=False)

    for done in (untracked, ignored):
        assert done.returncode == 2
        assert "docs/new.md: git does not know this file" in done.stderr
    assert repo.text("docs/new.md") == "mine\n"
    assert git(repo.path, "branch", "--format=%(refname:short)") == "main"
    assert git(repo.path, "status", "--porcelain") == ""


def test_giving_up_loses_no_commit_of_the_users(own_template: Path, tmp_path: Path, run: Run) -> None:
    repo = in_conflict(own_template, tmp_path / "repo")
    git(repo.path, "switch", "--quiet", "--create", "fix")
    (repo.path / "docs/glossary.md").write_text("fix\n")
    repo.commit("Fix")
    git(repo.path, "switch", "--quiet", "main")
    run(repo, "template-update", check=False)
    git(repo.path, "cherry-pick", "--abort")  # by the user
    run(repo, "template-update", check=False)
    assert run(repo, "template-update", "--abort").stdout == "given up; back on branch main\n"
    run(repo, "template-update", check=False)
    git(repo.path, "checkout", "--quiet", "--ours", "Makefile")
    git(repo.path, "add", "Makefile")
    git(repo.path, "-c", "core.editor=true", "cherry-pick", "--continue")
    finished = git(repo.path, "rev-parse", "HEAD")
    subprocess.run(["git", "cherry-pick", "fix"], cwd=repo.path, env=clean_environment(), capture_output=True)

    done = run(repo, "template-update", "--abort", check=False)

    assert done.returncode == 2
    assert "no update of the template is in progress" in done.stderr
    assert "a cherry-pick is in progress" in run(repo, "template-update", check=False).stderr
    assert git(repo.path, "rev-parse", "HEAD") == finished


def test_a_branch_in_the_way_leaves_everything_as_it_was(own_template: Path, tmp_path: Path, run: Run) -> None:
    repo = scaffold(own_template, tmp_path / "repo")
    new_version(own_template, **{"docs/glossary.md": ("\n", "\nfirst\n")})
    git(repo.path, "branch", "template-update")

    refused = run(repo, "template-update", check=False)
    git(repo.path, "branch", "--quiet", "--delete", "template-update")
    git(repo.path, "worktree", "add", "--quiet", "-b", "template-update/9.0.0", str(tmp_path / "elsewhere"))
    elsewhere = run(repo, "template-update", check=False)

    assert (refused.returncode, elsewhere.returncode) == (2, 2)
    assert git(repo.path, "branch", "--show-current") == "main"
    assert git(repo.path, "status", "--porcelain") == ""
    assert git(tmp_path / "elsewhere", "status", "--porcelain") == ""


def test_packages_that_the_user_added_are_resolved_with_the_new_lock(
    own_template: Path, tmp_path: Path, run: Run, project: BakedProject
) -> None:
    repo = scaffold(own_template, tmp_path / "repo")
    repo.replace("pyproject.toml", "dependencies = [", 'dependencies = [\n  "humanize>=4",')
    repo.commit("Mine")
    new_version(own_template, **{"docs/glossary.md": ("\n", "\nfirst\n")})

    output = run(repo, "template-update").stdout

    assert "is not resolved" not in output
    assert re.search(r"^humanize==4", repo.text("requirements.txt"), re.MULTILINE)
    expected = (own_template / "<<cookiecutter.project>>/requirements.txt").read_text()
    assert re.sub(r"^humanize==.*\n(    .*\n)+", "", repo.text("requirements.txt"), flags=re.MULTILINE) == expected


def test_what_cannot_be_done_is_one_line_and_changes_nothing(template: Path, tmp_path: Path, run: Run) -> None:
    repo = scaffold(template, tmp_path / "repo")
    head = git(repo.path, "rev-parse", "HEAD")

    for arguments, line in [
        (["--ref", "v77"], "the template has no revision v77"),
        (["--set", "servin=yes"], "has no prompt servin (did you mean serving?)"),
        (["--set", "serving"], "'serving' is not NAME=ANSWER"),
        (["--set", "package=other"], "package cannot be changed by an update"),
        (["--set", "license=Beerware"], "cannot be rendered with these answers"),
        (["--template", str(tmp_path / "nowhere")], "nowhere"),
        (["--abort"], "no update of the template is in progress"),
    ]:
        done = run(repo, "template-update", *arguments, check=False)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.count("\n") == 1, done.stderr
        assert line in done.stderr
    (repo.path / "README.md").write_text("changed\n")
    assert "uncommitted changes in README.md" in run(repo, "template-update", check=False).stderr
    git(repo.path, "checkout", "--quiet", "README.md")
    git(repo.path, "rm", "--quiet", ".template.json")
    repo.commit("No record")
    assert "template-link ADDRESS" in run(repo, "template-update", check=False).stderr
    git(repo.path, "reset", "--quiet", "--hard", head)
    assert git(repo.path, "status", "--porcelain") == ""
    assert git(repo.path, "branch", "--format=%(refname:short)") == "main"


def test_a_template_in_a_zip_file_or_a_plain_folder_is_updated_from_what_the_repo_keeps(
    template: Path, tmp_path: Path, run: Run
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(template, plain, ignore=shutil.ignore_patterns(".git"))
    repo = scaffold(plain, tmp_path / "repo")
    new_text = plain / "<<cookiecutter.project>>/docs/glossary.md"
    new_text.write_text(new_text.read_text() + "\nanother line\n")

    run(repo, "template-update")

    assert repo.text("docs/glossary.md").endswith("another line\n")
    new_text.write_text(new_text.read_text() + "\none more\n")
    archive = shutil.make_archive(str(tmp_path / "template"), "zip", tmp_path, "plain")
    run(repo, "template-update", "--template", archive)
    assert repo.text("docs/glossary.md").endswith("one more\n")


def test_killed_at_any_moment_it_leaves_the_repo_as_it_was_or_on_the_finished_branch(
    own_template: Path, tmp_path: Path, run: Run, project: BakedProject
) -> None:
    repo = scaffold(own_template, tmp_path / "repo")
    repo.replace("params.yaml", "seed: 42", "seed: 7")
    repo.commit("Mine")
    head = git(repo.path, "rev-parse", "HEAD")
    new_version(own_template, **{"docs/glossary.md": ("\n", "\nfirst\n"), "Makefile": ("make help", "make help!")})
    started = time.monotonic()
    run(repo, "template-update")
    duration = time.monotonic() - started
    finished = git(repo.path, "rev-parse", "HEAD^{tree}")
    git(repo.path, "switch", "--quiet", "main")
    git(repo.path, "branch", "--quiet", "-D", "template-update/9.0.0")

    for share in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        process = subprocess.Popen(
            [project.path / ".venv/bin/python", "-m", "lifecycle.cli", "template-update"],
            cwd=repo.path,
            env=clean_environment() | {"PYTHONPATH": str(own_template / "<<cookiecutter.project>>" / "src")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(share * duration)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        (repo.path / ".git/index.lock").unlink(missing_ok=True)  # git's own, which git names

        assert git(repo.path, "status", "--porcelain") == ""
        if git(repo.path, "branch", "--show-current") == "main":
            assert git(repo.path, "rev-parse", "HEAD") == head
        else:
            assert git(repo.path, "rev-parse", "HEAD^{tree}") == finished
            git(repo.path, "switch", "--quiet", "main")

    run(repo, "template-update")
    assert git(repo.path, "rev-parse", "HEAD^{tree}") == finished


def test_the_record_says_what_a_repo_was_made_from(template: Path, tmp_path: Path) -> None:
    repo = scaffold(template, tmp_path / "repo", author="Jane Doe", monitoring=False, retraining=False)

    record = json.loads(repo.text(".template.json"))

    assert record["template"] == str(template)
    assert record["version"] == present_version()
    assert record["commit"] == git(template, "rev-parse", "HEAD")
    assert record["answers"]["author"] == "Jane Doe"
    assert record["answers"]["monitoring"] is False
    assert not any(name.startswith("_") for name in record["answers"])
    git(repo.path, "rm", "--quiet", "--cached", ".template.json")
    assert git(repo.path, "write-tree") == record["tree"]
    assert git(repo.path, "rev-parse", f"refs/template/{record['tree']}") == record["tree"]


def test_the_workflow_opens_a_pull_request_with_the_changelog_and_without_a_token_says_what_to_set(
    own_template: Path, tmp_path: Path, project: BakedProject
) -> None:
    repo = scaffold(own_template, tmp_path / "repo", project="telco-churn")
    (repo.path / ".venv").symlink_to((project.path / ".venv").resolve())
    origin = tmp_path / "origin.git"
    git(repo.path, "clone", "--quiet", "--bare", ".", str(origin))
    git(repo.path, "remote", "add", "origin", "https://github.com/o/r.git")  # by which act names the repo
    settings = tmp_path / "gitconfig"  # which act must not see: it would take the folder for the repo's name
    settings.write_text(f'[url "{origin}"]\n    insteadOf = https://github.com/o/r.git\n')
    changelog = own_template / "CHANGELOG.md"
    news = "# Changelog\n\n## 9.0.0\n\n### To do by hand\n\n- Look at it.\n"
    changelog.write_text(changelog.read_text().replace("# Changelog\n", news, 1))
    new_version(own_template, **{"docs/glossary.md": ("\n", "\nfirst\n")})
    workflow = "--workflows=.github/workflows/template-update.yml"
    (tmp_path / "gh").mkdir()

    without = act(repo, tmp_path, "schedule", workflow)
    with hub(tmp_path / "gh") as github:
        done = act(repo, tmp_path, "workflow_dispatch", workflow, "--secret=TEMPLATE_UPDATE_TOKEN=x",
                   f"--env=GH_CONFIG_DIR={github.folder}", f"--env=PATH={TOOLS}:/usr/bin:/bin",
                   f"--env=GIT_CONFIG_GLOBAL={settings}", inputs={"ref": "", "set": "monitoring=no retraining=no"})  # fmt: skip

    assert jobs(without.stdout) == {"update": "succeeded"}, without.stdout[-6000:]
    assert "Nothing was updated: the secret TEMPLATE_UPDATE_TOKEN" in without.stdout
    assert jobs(done.stdout) == {"update": "succeeded"}, done.stdout[-6000:]
    (pull,) = github.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("template-update/9.0.0", "main")
    assert pull["title"] == f"Update from the template: {present_version()} to 9.0.0"
    assert "## 9.0.0\n\n### To do by hand\n\n- Look at it." in pull["body"]
    changed = git(origin, "diff", "--name-only", "main", "template-update/9.0.0").split()
    assert {"docs/glossary.md", "monitoring.yaml", "retraining.yaml"} <= set(changed)
