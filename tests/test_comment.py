"""The comment on a pull request, posted by the real `gh` to a stand-in of the API, and by the workflow under `act`."""

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BakedProject, clean_environment, copied
from github import standing_in
from runner import TOOLS, act, jobs

REPORT = {
    "verdict": "fail",
    "reasons": [{"kind": "limit", "text": "roc_auc fell"}],
    "base": {"revision": "HEAD^1", "commit": "a" * 40, "has_metrics": True},
    "branch": {"commit": "b" * 40, "behind": 0, "model": "c" * 64, "lock": "d" * 64},
    "code": {"sha256": "e" * 64, "changed": False},
    "metrics": [],
    "slices": [],
    "paired_rows": 0,
    "pairing_note": "",
    "params": {},
    "data": {"base": {"rows": None}, "branch": {"rows": None, "checks": 96}},
    "policy": {"of": "base", "change": "", "later": []},
    "files_affecting_verdict": [],
    "date": "2026-06-15",
}


@dataclass
class GitHub:
    """As much of GitHub's API as scripts/post_pull_request_comment.py asks of it, behind a socket that `gh` is told to use."""

    config: Path
    run: dict[str, Any]
    artifact: bytes = b""
    """What the newest artifact of the attempt holds."""
    earlier: bytes = b""
    """What the attempt before has left under the same name."""
    head: str = "b" * 40
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        self.asked.append(f"{method} {path}")
        route = path.partition("?")[0].removeprefix("/repos/o/r/")
        if route == "actions/runs/5/attempts/2":
            return self.run
        if route == "pulls":
            assert "head=stranger%3Afix" in path
            return [{"number": 6, "head": {"sha": "f" * 40}}, {"number": 7, "head": {"sha": self.head}}]
        if route == "actions/runs/5/artifacts":
            contents = {
                8: (self.earlier, "11:59:59"),
                9: (b"of another upload", "12:10:00"),
                10: (self.artifact, "12:10:01"),
            }
            return {
                "artifacts": [
                    {"id": number, "size_in_bytes": len(content), "created_at": f"2026-06-15T{time}Z"}
                    for number, (content, time) in contents.items()
                    if content and (self.artifact or number == 8)
                ]
            }
        if route == "actions/artifacts/10/zip":
            return self.artifact
        if route == "issues/7/comments" and method == "GET":
            return self.comments
        if route == "issues/7/comments":
            self.comments.append({"id": len(self.comments) + 1, "user": {"login": "github-actions[bot]"}, **body})
            return {}
        if method == "PATCH" and (found := re.fullmatch(r"issues/comments/(\d+)", route)):
            self.comments[int(found[1]) - 1]["body"] = body["body"]
            return {}
        raise AssertionError(f"{method} {path}")


@pytest.fixture
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHub]:
    folder = tmp_path_factory.mktemp("gh")
    run = {"id": 5, "head_sha": "b" * 40, "head_branch": "fix", "conclusion": "failure", "html_url": "https://x/run/5"}
    run["run_started_at"] = "2026-06-15T12:00:00Z"
    state = GitHub(folder, run | {"head_repository": {"owner": {"login": "stranger"}}})

    with standing_in(folder, state.answer):
        yield state


def zipped(content: str | bytes, name: str = "gate.json") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def comment(baked: BakedProject, github: GitHub) -> subprocess.CompletedProcess[str]:
    """Run the script as the workflow does: with a Python that has no package of ours."""
    return subprocess.run(
        ["python3", "-I", "scripts/post_pull_request_comment.py", "5", "2"],
        cwd=baked.path,
        env=clean_environment()
        | {"PATH": f"{TOOLS}:/usr/bin:/bin", "GH_TOKEN": "x", "GH_REPO": "o/r", "GH_CONFIG_DIR": str(github.config)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_report_becomes_one_comment_that_is_kept_up_to_date(baked: BakedProject, github: GitHub) -> None:
    github.comments.append({"id": 1, "user": {"login": "someone"}, "body": "<!-- gate -->\nnot ours"})
    github.artifact = zipped(json.dumps(REPORT))
    first = comment(baked, github)
    github.artifact = zipped(json.dumps(REPORT | {"reasons": []}))
    github.run["conclusion"] = "success"
    second = comment(baked, github)

    assert first.stdout == "posted the report on pull request 7\n", first.stderr
    assert second.stdout == "updated the report on pull request 7\n"
    assert [entry["body"].splitlines()[1][:12] for entry in github.comments] == ["not ours", "**The checks"]
    assert "**The checks of bbbbbbbbb passed**: [run](https://x/run/5)." in github.comments[1]["body"]
    assert "### ✅ Gate: " in github.comments[1]["body"]


@pytest.mark.parametrize(
    ("artifact", "says"),
    [
        (b"", "The gate left no report in this attempt of the run."),
        (b"no zip", "The gate's report cannot be read (BadZipFile)."),
        (zipped("{}", "other.json"), "The gate's report cannot be read (KeyError)."),
        (zipped("[]", "../gate.json"), "The gate's report cannot be read (KeyError)."),
        (zipped("not JSON"), "The gate's report cannot be read (JSONDecodeError)."),
        (zipped("{}"), "The gate's report cannot be read (KeyError)."),
        (zipped("[" * 100_000), "The gate's report cannot be read (RecursionError)."),
        (zipped(b"0" * 500_000_000), "The gate's report cannot be read ("),
    ],
    ids=["none", "no zip", "other file", "path", "no JSON", "empty", "deep", "bomb"],
)
def test_a_hostile_artifact_does_no_harm(baked: BakedProject, github: GitHub, artifact: bytes, says: str) -> None:
    github.artifact = artifact

    done = comment(baked, github)

    assert done.returncode == 0, done.stderr
    assert says in github.comments[0]["body"]
    assert "The checks of bbbbbbbbb did not pass" in github.comments[0]["body"]
    assert not (baked.path.parent / "gate.json").exists()


def test_the_report_of_an_earlier_attempt_is_not_taken_for_this_ones(baked: BakedProject, github: GitHub) -> None:
    github.earlier = zipped(json.dumps(REPORT))

    comment(baked, github)

    assert "The gate left no report in this attempt of the run." in github.comments[0]["body"]


def test_what_a_pull_request_claims_is_escaped_and_the_runs_own_verdict_stands_beside_it(
    baked: BakedProject, github: GitHub
) -> None:
    text = "@someone <script> [x](https://evil) " * 3000
    claimed = REPORT | {
        "reasons": [],
        "files_affecting_verdict": [text] * 50,
        "params": {"params.yaml": {text: {"old": 1, "new": text}}},
    }
    github.artifact = zipped(json.dumps(claimed))

    comment(baked, github)

    (posted,) = github.comments
    assert "@someone" not in posted["body"]
    assert "<script>" not in posted["body"]
    assert len(posted["body"]) < 65_536
    assert posted["body"].splitlines()[1] == "**The checks of bbbbbbbbb did not pass**: [run](https://x/run/5)."


def test_a_report_that_is_too_long_hides_nothing(baked: BakedProject, github: GitHub) -> None:
    params = {"&" * 290 + str(i): {"old": "&" * 290, "new": "&" * 290} for i in range(19)}
    policy = {"of": "base", "change": "y\n" * 2000, "later": []}
    github.artifact = zipped(json.dumps(REPORT | {"reasons": [], "params": {"params.yaml": params}, "policy": policy}))

    comment(baked, github)

    first, status, *rest = github.comments[0]["body"].splitlines()
    assert (first, status[:40]) == ("<!-- gate -->", "**The checks of bbbbbbbbb did not pass**")
    assert len(github.comments[0]["body"]) < 65_536
    assert "\n".join(rest).count("```") % 2 == 0


def test_a_fork_that_is_gone_gets_no_comment(baked: BakedProject, github: GitHub) -> None:
    github.run["head_repository"] = None

    assert comment(baked, github).stdout.startswith("no open pull request")


def test_a_run_that_is_no_longer_the_last_says_nothing(baked: BakedProject, github: GitHub) -> None:
    github.head = "e" * 40
    github.artifact = zipped(json.dumps(REPORT))

    done = comment(baked, github)

    assert done.stdout == "no open pull request ends in this commit: nothing to report\n"
    assert github.comments == []


@pytest.mark.slow
def test_the_comment_workflow_posts_it(base: BakedProject, github: GitHub, tmp_path: Path) -> None:
    project = copied(base, tmp_path)
    project.run("git remote add origin https://github.com/o/r.git")
    github.artifact = zipped(json.dumps(REPORT))
    event = {
        "workflow_run": {
            "id": 5,
            "run_attempt": 2,
            "conclusion": "failure",
            "event": "pull_request",
            "head_branch": "fix",
            "head_repository": {"full_name": "stranger/r"},
        }
    }

    options = ("--workflows=.github/workflows/comment.yml", "--secret=GITHUB_TOKEN=x",
               f"--env=GH_CONFIG_DIR={github.config}", f"--env=PATH={TOOLS}:/usr/bin:/bin")  # fmt: skip
    done = act(project, tmp_path, "workflow_run", *options, **event)
    event["workflow_run"]["conclusion"] = "action_required"
    held_back = act(project, tmp_path, "workflow_run", *options, **event)

    assert jobs(done.stdout) == {"comment": "succeeded"}, done.stdout
    assert jobs(held_back.stdout) == {}
    assert "roc\\_auc fell" in github.comments[0]["body"]
