"""MLflow's registry over HTTP, by the class with which MlflowClient reaches it too, without the rest of MlflowClient.

It has the calls of MlflowClient that moves and the ledger are made of, and raises what that raises.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.store.entities import PagedList


class RestClient:
    """The registry at an address; settings such as MLFLOW_TRACKING_TOKEN are read at each call, as MLflow does."""

    def __init__(self, address: str) -> None:
        from mlflow.store.model_registry.rest_store import RestStore
        from mlflow.utils.credentials import get_default_host_creds

        self._store: Any = RestStore(lambda: get_default_host_creds(address))

    def get_registered_model(self, name: str) -> "RegisteredModel":
        return self._store.get_registered_model(name)

    def get_model_version(self, name: str, version: str) -> "ModelVersion":
        return self._store.get_model_version(name, version)

    def search_model_versions(
        self, where: str, max_results: int, order_by: list[str] | None = None, page_token: str | None = None
    ) -> "PagedList[ModelVersion]":
        return self._store.search_model_versions(where, max_results, order_by, page_token)

    def create_model_version(
        self, name: str, source: str, tags: dict[str, str], description: str, await_creation_for: int
    ) -> "ModelVersion":
        """Create a version without files of its own: there is nothing to wait for."""
        from mlflow.entities.model_registry import ModelVersionTag

        entities = [ModelVersionTag(key, value) for key, value in tags.items()]
        return self._store.create_model_version(name, source, tags=entities, description=description)

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        from mlflow.entities.model_registry import ModelVersionTag

        self._store.set_model_version_tag(name, version, ModelVersionTag(key, value))

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        from mlflow.entities.model_registry import RegisteredModelTag

        self._store.set_registered_model_tag(name, RegisteredModelTag(key, value))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self._store.set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self._store.delete_registered_model_alias(name, alias)
