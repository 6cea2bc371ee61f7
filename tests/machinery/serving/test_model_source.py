"""What is served when the registry says something else than before, or nothing."""

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.registry.aliases import Held
from lifecycle.serving import model_source
from lifecycle.serving.model_source import REACHABLE, ModelSource

Says = Callable[..., None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Let the registry say who has which alias, and the ledger who should have; or let it not answer."""

    def say(
        aliases: dict[str, int] | None = None, ledger: dict[str, int | None] | None = None, down: bool = False
    ) -> None:
        @contextmanager
        def store(*_: Any, **__: Any) -> Any:
            if down:
                raise ConfigError("MLflow at http://mlflow failed: it does not answer")
            yield None

        monkeypatch.setattr(model_source, "store", store)
        monkeypatch.setattr(model_source, "held", lambda *_: None if aliases is None else Held(aliases))
        last = None if ledger is None else SimpleNamespace(state=ledger)
        monkeypatch.setattr(model_source.ledger, "head", lambda *_: last)

    return say


@pytest.fixture
def production(params: Params, tmp_path: Path) -> ModelSource:
    return ModelSource(params, tmp_path, "production")


def test_what_the_registry_says_is_served_and_kept_for_when_it_is_silent(
    production: ModelSource, says: Says, params: Params, tmp_path: Path
) -> None:
    says({"production": 3, "canary": 4})
    found = production.target(None)
    assert found == Held({"production": 3, "canary": 4})
    production.remember(found)
    says(down=True)

    assert production.target(3) is None
    assert production.state.startswith("unreachable: MLflow at http://mlflow")
    new = ModelSource(params, tmp_path, "production")
    assert new.target(None) == found
    assert "serving what was served last" in new.state
    assert ModelSource(params, tmp_path, "staging").target(None) is None


@pytest.mark.parametrize("ledger", [None, {"production": 3}])
@pytest.mark.parametrize("aliases", [None, {}, {"staging": 5}])
def test_a_version_that_somebody_has_deleted_goes_on(
    production: ModelSource, says: Says, ledger: dict[str, int | None] | None, aliases: dict[str, int] | None
) -> None:
    if ledger is None and aliases is not None:
        ledger = {"production": 3}
    says(aliases, ledger)

    found = production.target(3)

    assert found
    assert found.aliases["production"] == 3
    assert "version 3 stays in service" in production.state
    production.remember(found)
    assert not list(production.cache.glob("*.json"))


def test_a_version_that_was_taken_away_by_a_move_does_not(production: ModelSource, says: Says) -> None:
    says({"candidate": 3}, {"candidate": 3, "production": None})

    assert production.target(3) == Held({"candidate": 3})
    assert production.state == REACHABLE


@pytest.mark.parametrize("content", ["", "{", "[]", '{"aliases": {}, "more": 1}'])
def test_a_damaged_note_of_what_was_served_is_none(production: ModelSource, says: Says, content: str) -> None:
    production.cache.mkdir()
    (production.cache / "served.json").write_text(content)
    says(down=True)

    assert production.target(None) is None
