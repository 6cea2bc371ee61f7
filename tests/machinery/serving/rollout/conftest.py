"""Trials are moves in the registry: its tests' store and repo serve here too."""

from machinery.registry.conftest import address, lab

__all__ = ["address", "lab"]
