"""Log of requests: a line of JSON for each, on stderr."""

import datetime
import json
import sys
from typing import Any


def log(event: str, **facts: Any) -> None:
    """Writes a line with the time in UTC, the event and facts; those that are None are left out."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    line = {"time": now, "event": event} | {name: fact for name, fact in facts.items() if fact is not None}
    sys.stderr.write(json.dumps(line) + "\n")  # in ASCII, without separators of lines or controls of terminals
