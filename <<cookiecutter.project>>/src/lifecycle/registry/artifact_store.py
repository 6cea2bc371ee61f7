"""The files of a version, from the storage that MLflow keeps them in: fetched through MLflow's server, or from a store directly."""

import importlib.util
import os
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.outage import OutageError, silent_seconds, while_growing
from lifecycle.core.outage_cause import cause


def download(model: str, version: int, folder: str) -> str:
    """Fetch a version's files into a folder; return the folder that has them. Raises ConfigError if they cannot be had."""
    import mlflow

    subject = f"the storage of MLflow does not give the files of version {version}"
    _bound_boto3()  # which MLflow uses for a store that its server does not stand before
    source = f"models:/{model}/{version}"
    try:
        fetched = while_growing(
            lambda: mlflow.artifacts.download_artifacts(source, dst_path=folder), Path(folder), subject
        )
    except OutageError:
        raise
    except Exception as error:  # each kind of storage has errors of its own
        if outage := cause(error, mlflow.get_tracking_uri()):
            raise OutageError(f"{subject}: {outage}") from error
        raise ConfigError(f"{subject}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    if not Path(fetched, config.MODEL.name).exists():  # a folder that is away is fetched as an empty one
        raise ConfigError(f"{subject}: it has no {config.MODEL.name} of it")
    return str(fetched)


def _bound_boto3() -> None:
    """Bound what boto3 waits for, if it is installed; before MLflow makes a client. By default it tries five times for a minute each."""
    if importlib.util.find_spec("boto3") is None:
        return
    import boto3
    import botocore.session
    from botocore.config import Config

    seconds = silent_seconds()
    attempts = {} if os.environ.get("AWS_MAX_ATTEMPTS") else {"retries": {"total_max_attempts": 2}}
    session = botocore.session.get_session()
    session.set_default_client_config(Config(connect_timeout=seconds, read_timeout=seconds, **attempts))
    boto3.setup_default_session(botocore_session=session)
