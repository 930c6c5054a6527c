"""Saved views: a search, filters and an order of a dataset's pairs, under a name."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.models import SavedView


def list_of(session: Session, dataset_id: int) -> list[SavedView]:
    """The views of a dataset, by name."""
    return list(session.scalars(select(SavedView).where(SavedView.dataset_id == dataset_id).order_by(SavedView.name)))


def by_name(session: Session, dataset_id: int, name: str) -> SavedView | None:
    """The view of this name."""
    return session.scalar(select(SavedView).where(SavedView.dataset_id == dataset_id, SavedView.name == name))


def save(session: Session, dataset_id: int, name: str, query: str) -> SavedView:
    """A new view; ValueError when its name is taken or empty."""
    _check_name(session, dataset_id, name)
    view = SavedView(dataset_id=dataset_id, name=name, query=query)
    session.add(view)
    session.flush()
    return view


def change(session: Session, view_id: int, query: str) -> None:
    """Let a view show something else; ValueError when there is no such view."""
    _get(session, view_id).query = query
    session.flush()


def rename(session: Session, view_id: int, name: str) -> SavedView:
    """Give a view another name; ValueError when it is taken or empty, or there is no such view."""
    view = _get(session, view_id)
    if view.name != name:
        _check_name(session, view.dataset_id, name)
    view.name = name
    session.flush()
    return view


def remove(session: Session, view_id: int) -> None:
    """Forget a view; `save` with its name and query brings it back."""
    session.execute(delete(SavedView).where(SavedView.id == view_id))


def _get(session: Session, view_id: int) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None:
        raise ValueError(f"there is no saved view {view_id}")
    return view


def _check_name(session: Session, dataset_id: int, name: str) -> None:
    if not name.strip() or by_name(session, dataset_id, name) is not None:
        raise ValueError(f"a view cannot be called {name!r}: expected a free name")
