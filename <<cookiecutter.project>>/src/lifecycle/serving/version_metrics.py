"""What `/metrics` asks of the versions that are served, at the moment it is asked."""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lifecycle.serving.prometheus_metrics import NAMESPACE
from lifecycle.serving.router import Router


class VersionMetrics(Collector):
    """The rows that wait for each version, and the memory of its process where the machine tells."""

    def __init__(self, router: Router) -> None:
        self.router = router

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily(f"{NAMESPACE}_rows_waiting", "Rows that wait for the model", labels=["version"])
        memory = GaugeMetricFamily(
            f"{NAMESPACE}_model_process_memory_bytes", "Resident memory of a version's process", labels=["version"]
        )
        for served in self.router.roles.served:
            waiting.add_metric([str(served.version)], served.waiting_rows)
            if (size := _resident_bytes(served.pid)) is not None:
                memory.add_metric([str(served.version)], size)
        yield from (waiting, memory)


def _resident_bytes(pid: int) -> int | None:
    """The memory of a process by Linux's account; None elsewhere, or if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
