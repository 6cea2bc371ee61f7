"""Changes that cannot alter a result: those of documents that no stage reads or writes.

A branch with no other change has its base's results, so nothing is computed again for it.
"""

import os

from lifecycle.core.dvc_files import stages_at
from lifecycle.core.git import changes, project_folder

ENDINGS = {".md", ".rst", ".png", ".jpg", ".jpeg", ".gif", ".svg"}
GONE, REGULAR_FILE = "000000", "100644"  # modes in a git tree


def changes_only_documents(base: str, head: str) -> bool:
    """Whether two commits have the same files but for documents, none of which is an input or output in the pipeline."""
    differing = changes(f"{base}..{head}")
    if not differing:
        return True
    stages = stages_at(head).values()
    in_pipeline = {entry["path"] for stage in stages for entry in (*stage.get("deps", []), *stage.get("outs", []))}
    project = project_folder()
    return all(
        {change.before, change.after} <= {GONE, REGULAR_FILE}
        and change.path.suffix.lower() in ENDINGS
        and not in_pipeline & {os.path.relpath(path, project) for path in (change.path, *change.path.parents)}
        for change in differing
    )
