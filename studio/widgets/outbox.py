"""What a browser's outbox sends, read with suspicion: what is malformed is left out, it could never be stored."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

FUTURE_SECONDS = 120  # how far a browser's clock may run ahead before it is not believed
Entry = TypeVar("Entry")


def read_entries(sent: Any, read: Callable[[dict[str, Any]], Entry | None]) -> list[Entry]:
    """The entries that have a uid and that `read` makes something of."""
    entries = (
        [entry for entry in sent if isinstance(entry, dict) and _is_uid(entry.get("uid"))] if isinstance(sent, list) else []
    )
    return [made for entry in entries if (made := read(entry)) is not None]


def _is_uid(uid: Any) -> bool:
    return isinstance(uid, str) and 8 <= len(uid) <= 64


def read_moment(text: Any) -> datetime:
    """When a browser says that something was; now where it says nothing that can be believed."""
    now = datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return now
    if moment.tzinfo is None or (moment - now).total_seconds() > FUTURE_SECONDS:
        return now
    return moment.astimezone(UTC)
