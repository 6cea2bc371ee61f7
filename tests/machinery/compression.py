"""Files compressed in every way that the raw file may be."""

import bz2
import gzip
import zipfile
from pathlib import Path

import pyarrow as arrow


def write_compressed(path: Path, content: bytes) -> None:
    """Write a file, compressed as its suffix says; a .zip file has a folder and what a Mac adds, too."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._raw.csv", b"x")
            archive.writestr("folder/raw.csv", content)
    elif path.suffix == ".zst":
        with arrow.output_stream(str(path), compression="zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes({".gz": gzip.compress, ".bz2": bz2.compress, ".csv": bytes}[path.suffix](content))
