"""Changes that cannot alter a result: those of documents that no stage reads or writes.

A branch with no other change has its base's results, so nothing is computed again for it.
"""

import os
from pathlib import PurePosixPath

from lifecycle.core.dvc_files import stages_at
from lifecycle.core.git import git, project_folder

ENDINGS = {".md", ".rst", ".png", ".jpg", ".jpeg", ".gif", ".svg"}
GONE, REGULAR_FILE = "000000", "100644"  # modes in a git tree


def changes_only_documents(base: str, head: str) -> bool:
    """Whether two commits have the same files but for documents, none of which is an input or output in the pipeline."""
    raw = git("diff", "--raw", "-z", "--no-renames", "--no-relative", "--ignore-submodules=none", base, head).split(
        "\0"
    )
    changes = list(zip(raw[::2], raw[1::2], strict=False))  # `:old-mode new-mode old new status`, then the name
    if not changes:
        return True
    entries = [
        entry for stage in stages_at(head).values() for entry in (*stage.get("deps", []), *stage.get("outs", []))
    ]
    in_pipeline, project = {entry["path"] for entry in entries}, project_folder()
    return all(
        {*change.lstrip(":").split()[:2]} <= {GONE, REGULAR_FILE}
        and path.suffix.lower() in ENDINGS
        and not in_pipeline & {*map(str, (path, *path.parents))}
        for change, path in ((change, PurePosixPath(os.path.relpath(name, project))) for change, name in changes)
    )
