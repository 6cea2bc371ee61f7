"""Post the gate's report of a workflow run on its pull request: one comment, kept up to date.

    GH_REPO=owner/name python3 scripts/post_pull_request_comment.py RUN_ID ATTEMPT

The report comes from the pull request's own run, so it is treated as hostile: it is read in memory up to a size limit, never
unpacked, and laid out by lifecycle/gate/pull_request_comment.py, which escapes all of it. GitHub says which pull request the run
belongs to and whether it passed. Needs Python and the GitHub CLI.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from lifecycle.core.git import project_folder, unique_name
from lifecycle.gate.pull_request_comment import markdown

MARKER = f"<!-- {unique_name('gate')} -->"
AUTHOR = os.environ.get("COMMENT_AUTHOR", "github-actions[bot]")
MAX_ARTIFACT, MAX_REPORT, MAX_COMMENT = 2_000_000, 1_000_000, 60_000  # bytes, bytes, characters (GitHub takes 65,536)


def gh(endpoint: str, *arguments: str, body: Any = None) -> bytes:
    """Call GitHub's API for the repo in GH_REPO."""
    command = ["gh", "api", f"repos/{os.environ['GH_REPO']}/{endpoint}", *arguments]
    content = None if body is None else json.dumps(body).encode()
    command += ["--input", "-"] if content else []
    done = subprocess.run(command, input=content, capture_output=True, timeout=120)
    if done.returncode:
        sys.exit(f"error: {endpoint}: {done.stderr.decode().strip()}")
    return done.stdout


def pull_request(run: dict[str, Any]) -> int | None:
    """Return the number of the open pull request whose last commit is the run's."""
    if not run["head_repository"]:  # the fork is gone
        return None
    head = f"{run['head_repository']['owner']['login']}:{run['head_branch']}"
    pulls = json.loads(gh("pulls", "--method", "GET", "-f", "state=open", "-f", f"head={head}", "-F", "per_page=100"))
    return next((pull["number"] for pull in pulls if pull["head"]["sha"] == run["head_sha"]), None)


def newest_artifact(run: dict[str, Any]) -> dict[str, Any] | None:
    """Return the artifact with the gate's report that this attempt of the run has left: earlier attempts are listed beside it."""
    query = ("--method", "GET", "-f", "name=gate", "-F", "per_page=100")
    listed = json.loads(gh(f"actions/runs/{run['id']}/artifacts", *query))["artifacts"]
    of_attempt = [artifact for artifact in listed if artifact["created_at"] >= run["run_started_at"]]
    return max(of_attempt, key=lambda artifact: (artifact["created_at"], artifact["id"]), default=None)


def report(run: dict[str, Any]) -> str:
    """Return the gate's report as Markdown, or why there is none."""
    artifact = newest_artifact(run)
    if artifact is None or artifact["size_in_bytes"] > MAX_ARTIFACT:
        return "The gate left no report in this attempt of the run."
    try:
        packed = io.BytesIO(gh(f"actions/artifacts/{int(artifact['id'])}/zip"))
        with zipfile.ZipFile(packed) as archive, archive.open("gate.json") as file:
            return markdown(json.loads(file.read(MAX_REPORT)), run["html_url"])
    except Exception as error:  # whatever a hostile file may cause
        return f"The gate's report cannot be read ({type(error).__name__})."


def main(run_id: str, attempt: str) -> None:
    run = json.loads(gh(f"actions/runs/{int(run_id)}/attempts/{int(attempt)}"))
    number = pull_request(run)
    if number is None:
        print("no open pull request ends in this commit: nothing to report")
        return
    verdict = "passed" if run["conclusion"] == "success" else "did not pass"
    checked = run["head_sha"][:9] if project_folder() == Path() else f"{project_folder()} at {run['head_sha'][:9]}"
    status = f"**The checks of {checked} {verdict}**: [run]({run['html_url']})."
    text = report(run)
    body = f"{MARKER}\n{status}\n\n{text if len(text) <= MAX_COMMENT else 'The report is too long for a comment: see the artifacts of the run.'}\n"
    comments = json.loads(
        gh(f"issues/{number}/comments", "--method", "GET", "--paginate", "--slurp", "-F", "per_page=100")
    )
    ours = [
        comment["id"]
        for page in comments
        for comment in page
        if comment["user"]["login"] == AUTHOR and comment["body"].startswith(MARKER)
    ]
    if ours:
        gh(f"issues/comments/{ours[0]}", "--method", "PATCH", body={"body": body})
    else:
        gh(f"issues/{number}/comments", "--method", "POST", body={"body": body})
    print(f"{'updated' if ours else 'posted'} the report on pull request {number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
