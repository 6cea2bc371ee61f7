"""A connection to MLflow's registry alone: over HTTP it needs a quarter of the time that MLflow's own client takes to import."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from lifecycle.core.config import Params
from lifecycle.core.outage import bound_mlflow
from lifecycle.core.tracking import failure, store, tracking_uri
from lifecycle.registry.rest_client import RestClient
from lifecycle.registry.slim_mlflow import slim_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

ELSEWHERE = ("MLFLOW_REGISTRY_URI", "MLFLOW_WORKSPACE")  # settings of MLflow's that its own client is left to


@contextmanager
def registry_store(params: Params, consequence: str) -> Iterator["MlflowClient"]:
    """Connect to the registry and yield a client with the calls of RestClient, and what `store` raises."""
    uri = tracking_uri(params)
    over_http = uri.startswith(("http://", "https://")) and not any(os.environ.get(name) for name in ELSEWHERE)
    if over_http:
        bound_mlflow()
        with slim_mlflow() as possible:
            if possible:
                from mlflow.exceptions import MlflowException

                try:
                    yield cast("MlflowClient", RestClient(uri))
                except (MlflowException, OSError) as error:
                    raise failure(error, uri, consequence, isinstance(error, MlflowException)) from error
                return
    with store(params, consequence) as client:
        yield client
