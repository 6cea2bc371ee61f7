"""Post the gate's report on the merge request of a pipeline: one note, kept up to date.

    python3 scripts/post_merge_request_note.py

Reads reports/gate.json, and the variables that GitLab sets in a job; GITLAB_TOKEN is a token with the scope `api`. Needs Python alone.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from lifecycle.gate.pull_request_comment import markdown

REPORT = Path("reports/gate.json")
MARKER = "<!-- gate -->"
MAX_NOTE = 500_000  # characters; GitLab takes a million
PER_PAGE = 100


def api(method: str, endpoint: str, body: Any = None) -> Any:
    """Call GitLab's API."""
    request = urllib.request.Request(
        f"{os.environ['CI_API_V4_URL']}/{endpoint}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"PRIVATE-TOKEN": os.environ["GITLAB_TOKEN"], "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except (urllib.error.URLError, TimeoutError) as error:
        sys.exit(f"error: {method} {endpoint}: {error}")


def own_note(notes: str) -> int | None:
    """Return the number of the note that the owner of the token has posted before."""
    me = api("GET", "user")["id"]
    page = 1
    while listed := api("GET", f"{notes}?per_page={PER_PAGE}&page={page}"):
        for note in listed:
            if note["author"]["id"] == me and note["body"].startswith(MARKER):
                return int(note["id"])
        page += 1
    return None


def main() -> None:
    text = markdown(json.loads(REPORT.read_text())) if REPORT.exists() else "The gate left no report."
    pipeline = f"**The gate on {os.environ['CI_COMMIT_SHA'][:9]}**: [pipeline]({os.environ['CI_PIPELINE_URL']})."
    long = "The report is too long for a note: see the artifacts of the job `gate`."
    body = f"{MARKER}\n{pipeline}\n\n{text if len(text) <= MAX_NOTE else long}\n"
    number = os.environ["CI_MERGE_REQUEST_IID"]
    notes = f"projects/{os.environ['CI_MERGE_REQUEST_PROJECT_ID']}/merge_requests/{number}/notes"
    note = own_note(notes)
    if note:
        api("PUT", f"{notes}/{note}", {"body": body})
    else:
        api("POST", notes, {"body": body})
    print(f"{'updated' if note else 'posted'} the report on merge request {number}")


if __name__ == "__main__":
    main()
