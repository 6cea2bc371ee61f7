"""The answer `ci=gitlab`: one file in place of the workflows for GitHub, its scripts run as GitLab's shell runs them."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject, clean_environment, copied
from runner import TOOLS
from test_comment import REPORT


@pytest.fixture(scope="module")
def gitlab(bake: Callable[..., BakedProject]) -> BakedProject:
    """The default project for GitLab. Read it, do not change it."""
    return bake(ci="gitlab")


def test_each_service_has_its_own_files_and_no_words_of_the_other(gitlab: BakedProject, baked: BakedProject) -> None:
    def names(project: BakedProject) -> set[str]:
        return set(project.run("git ls-files").stdout.splitlines())

    only_gitlab, only_github = names(gitlab) - names(baked), names(baked) - names(gitlab)

    assert only_gitlab == {".gitlab-ci.yml", "scripts/post_merge_request_note.py"}
    assert {name for name in only_github if not name.startswith(".github/")} == {
        "scripts/post_pull_request_comment.py",
        "scripts/root_workflows.py",
    }
    docs = [gitlab.path / "README.md", gitlab.path / "Makefile", *(gitlab.path / "docs").glob("*.md")]
    words = r"\.github|(?<!-ci)\.yml\b|GitHub Actions|## GitHub|make protect"
    assert {name for path in docs for name in re.findall(words, path.read_text())} == set()
    assert not any("gitlab" in (baked.path / name).read_text(errors="replace").lower() for name in names(baked)
                   if name.endswith((".md", ".yml", ".py", "Makefile", ".gitattributes"))
                   and not name.startswith("src/lifecycle/"))  # fmt: skip


def test_every_link_of_a_page_leads_somewhere(gitlab: BakedProject) -> None:
    pages = {path: path.read_text() for path in [gitlab.path / "README.md", *(gitlab.path / "docs").glob("*.md")]}

    assert not [path.name for path, text in pages.items() if "\n\n\n" in text]
    for path, text in pages.items():
        for target, anchor in re.findall(r"\]\((?!https?:|#)([^)#]+)#?([^)]*)\)", text):
            assert target.startswith("reports/") or (path.parent / target).exists(), f"{path.name}: {target}"
            assert anchor != "github", path.name


def test_the_file_is_what_gitlab_takes(gitlab: BakedProject) -> None:
    check = [TOOLS / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml"]
    done = subprocess.run(check, cwd=gitlab.path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout


def test_the_jobs_run_make_and_what_is_written_for_them(gitlab: BakedProject) -> None:
    content = gitlab.read(".gitlab-ci.yml")
    targets = re.findall(r"^  ([a-z-]+) ", gitlab.run("make help").stdout, flags=re.MULTILINE)
    jobs = {name: job for name, job in content.items() if isinstance(job, dict) and "script" in job}

    assert set(jobs) == {"code", "data", "gate", "note"}
    assert [name for name, job in jobs.items() if job.get("allow_failure")] == ["note"]
    for line in (line for job in jobs.values() for line in job["script"]):
        make = re.fullmatch(r"make ([a-z-]+)( \|\| true)?", line)
        assert (
            make[1] in targets if make else line.startswith(("git fetch ", "export BASE=", "echo ", "python3 scripts/"))
        )
    assert [line for line in jobs["gate"]["script"] if "gate" in line] == ["make gate"]  # without `|| true`
    assert "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == $CI_DEFAULT_BRANCH" in content["workflow"]["rules"][0]["if"]


def run(project: BakedProject, job: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script as GitLab does: a line at a time, until one fails."""
    environment = clean_environment() | {
        "PATH": f"{project.path / '.venv/bin'}:{os.environ['PATH']}",
        "PYTHONPATH": "src",
    }
    content = project.read(".gitlab-ci.yml")
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(content[job]["script"])],
        cwd=project.path,
        env=environment | {name: str(value) for name, value in content["variables"].items()} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_the_gate_judges_a_merge_request_against_its_target(
    base: BakedProject, gitlab: BakedProject, tmp_path: Path
) -> None:
    project = copied(base, tmp_path)
    shutil.copy(gitlab.path / ".gitlab-ci.yml", project.path)
    project.commit("GitLab")
    project.run(f"git clone --quiet --bare . {tmp_path}/origin.git && git remote add origin {tmp_path}/origin.git")
    project.run("git switch --quiet --create branch && git merge --quiet --no-edit worse")
    project.run("git update-ref -d refs/heads/main")  # a job's checkout has no branch
    target = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_SHA": "b" * 40}
    commit = project.run("git ls-remote origin main").stdout.split()[0]

    done = run(project, "gate", **target)

    assert done.returncode == 2, done.stdout[-3000:]  # make's, for a target that failed
    assert f"{'b' * 40} against main ({commit})" in done.stdout
    assert f"gate: FAIL against origin/main ({commit[:9]}): " in done.stdout
    assert json.loads(project.text("reports/gate.json"))["verdict"] == "fail"
    assert (project.path / "dvc_plots/index.html").exists()
    assert run(project, "data").returncode == 0


class GitLab:
    """As much of GitLab's API as scripts/post_merge_request_note.py asks of it."""

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = [
            {"id": 1, "author": {"id": 8}, "body": "<!-- gate -->\nsomebody else's"},
            *({"id": number, "author": {"id": 7}, "body": "Another note"} for number in range(2, 103)),
        ]

    def answer(self, method: str, path: str, body: dict[str, str]) -> Any:
        route, _, query = path.removeprefix("/api/v4/").partition("?")
        if route == "user":
            return {"id": 7}
        notes = "projects/5/merge_requests/3/notes"
        if (method, route) == ("GET", notes):
            page = int(query.rpartition("page=")[2])
            return self.notes[100 * (page - 1) : 100 * page]
        if (method, route) == ("POST", notes):
            self.notes.append({"id": len(self.notes) + 1, "author": {"id": 7}, **body})
            return self.notes[-1]
        assert method == "PUT", (method, path)
        self.notes[int(route.removeprefix(f"{notes}/")) - 1] |= body
        return {}


@pytest.fixture
def service() -> Iterator[tuple[str, GitLab]]:
    state = GitLab()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            status = 200 if self.headers["PRIVATE-TOKEN"] == "secret" else 401
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            content = json.dumps(state.answer(self.command, self.path, body) if status == 200 else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/v4", state
        server.shutdown()


def test_the_report_becomes_one_note_that_is_kept_up_to_date(
    bake: Callable[..., BakedProject], service: tuple[str, GitLab]
) -> None:
    project = bake(ci="gitlab")
    address, state = service
    variables = {"CI_API_V4_URL": address, "GITLAB_TOKEN": "secret", "CI_COMMIT_SHA": "b" * 40, "CI_MERGE_REQUEST_IID": "3",
                 "CI_MERGE_REQUEST_PROJECT_ID": "5", "CI_PIPELINE_URL": "https://gitlab.example.com/p/1"}  # fmt: skip
    others = len(state.notes)

    first = run(project, "note", **variables)
    (project.path / "reports").mkdir(exist_ok=True)
    (project.path / "reports/gate.json").write_text(json.dumps(REPORT))
    second = run(project, "note", **variables)
    refused = run(project, "note", **variables | {"GITLAB_TOKEN": "wrong"})

    assert first.stdout == "posted the report on merge request 3\n"
    assert second.stdout == "updated the report on merge request 3\n"
    assert refused.returncode == 1
    assert refused.stdout == "error: GET user: HTTP Error 401: Unauthorized\n"
    (note,) = state.notes[others:]
    assert note["body"].startswith(
        "<!-- gate -->\n**The gate on bbbbbbbbb**: [pipeline](https://gitlab.example.com/p/1).\n"
    )
    assert "roc\\_auc fell" in note["body"]
