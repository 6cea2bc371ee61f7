"""The code that a version was logged with, and today's `lifecycle.batch` beside it.

The version's own code makes the predictions; how tables are read and written is today's.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from lifecycle.core.errors import RefusedError
from lifecycle.core.version_files import CODE

BATCH = Path(__file__).parent
READING = Path("lifecycle", "core", "csv_format.py")


def overlay(version_folder: Path, cache: Path) -> Path:
    """Return a folder for `sys.path`, which is made in the cache unless it is there already.

    Args:
        version_folder: the version's files; a folder in the cache.
        cache: where the version and this folder are kept.

    Raises RefusedError if the version's code is from before tables were read as its params.yaml says they are written.
    """
    if not (version_folder / CODE / READING).exists():
        raise RefusedError(
            "the version was logged before tables were read as params.yaml says they are written (data.csv): run the pipeline, "
            "register and promote a new version, then score"
        )
    modules = sorted(BATCH.rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()
    target = cache / f"code-{version_folder.name}-{digest[:12]}"
    for path in cache.glob("code-*"):
        if not (cache / path.name.removeprefix("code-").rpartition("-")[0]).exists():  # its version has been pruned
            shutil.rmtree(path, ignore_errors=True)
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        ignore = shutil.ignore_patterns("__pycache__")
        with tempfile.TemporaryDirectory(dir=cache, prefix=".copying-") as temporary:
            code = Path(temporary, CODE)
            shutil.copytree(version_folder / CODE, code, ignore=ignore)
            shutil.copytree(BATCH, code / "lifecycle" / BATCH.name, ignore=ignore)
            try:
                code.rename(target)
            except OSError:  # another run has made it meanwhile
                if not target.exists():
                    raise
    return target
