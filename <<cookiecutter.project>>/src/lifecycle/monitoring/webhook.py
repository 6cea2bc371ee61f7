"""An alert as a POST of JSON to an address that is a secret: it is in the environment, and in no message."""

import os
from pathlib import Path
from typing import Any

import requests

from lifecycle.monitoring.settings import WEBHOOK


def post(summary: dict[str, Any], folder: Path, seconds: float) -> list[str]:
    """Send what `monitor` found to the webhook, if there is one, and say whether it was taken."""
    address = os.environ.get(WEBHOOK, "").strip()
    if not address:
        return [f"webhook: none, {WEBHOOK} is not set"]
    try:
        answer = requests.post(address, json=message(summary, folder), timeout=seconds, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:  # its text would have the address
        return [f"webhook: not delivered ({type(error).__name__})"]
    if not 200 <= answer.status_code < 300:
        return [f"webhook: not delivered, it answers {answer.status_code}"]
    return ["webhook: delivered"]


def message(summary: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the message: `text`, which chats show, and what machines need to decide on."""
    text = f"{summary['model']}: {'; '.join(summary['reasons'])}"
    known = ("window", "model", "version", "status", "reasons", "drifted", "rows", "labels")
    return {"text": text, "report": str(folder)} | {name: summary[name] for name in known if name in summary}
