"""The code that a version was logged with, and beside it this `batch`: the model's answers are the version's own, how tables
are read and written is today's.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from lifecycle.core.version_files import CODE

HERE = Path(__file__).parent


def overlay(folder: Path, cache: Path) -> Path:
    """Return a folder for `sys.path`, made in the cache unless it is there.

    Args:
        folder: the version's files.
        cache: where it is kept.
    """
    modules = sorted(HERE.rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()
    target = cache / f"code-{folder.name}-{digest[:12]}"
    for path in cache.glob("code-*"):
        if not (cache / path.name.removeprefix("code-").rpartition("-")[0]).exists():  # of a version no longer kept
            shutil.rmtree(path, ignore_errors=True)
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".copying-") as temporary:
            code = Path(temporary, CODE)
            shutil.copytree(folder / CODE, code, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copytree(HERE, code / "lifecycle" / HERE.name, ignore=shutil.ignore_patterns("__pycache__"))
            try:
                code.rename(target)
            except OSError:  # another run has made it meanwhile
                if not target.exists():
                    raise
    return target
