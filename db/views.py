"""Saved views: what a page shows of a dataset (a search, filters, an order), under a name."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.models import SavedView

BROWSE = "browse"


def list_of(session: Session, dataset_id: int, page: str = BROWSE) -> list[SavedView]:
    """A page's views of a dataset, by name."""
    chosen = select(SavedView).where(SavedView.dataset_id == dataset_id, SavedView.page == page)
    return list(session.scalars(chosen.order_by(SavedView.name)))


def by_name(session: Session, dataset_id: int, name: str, page: str = BROWSE) -> SavedView | None:
    """The page's view of this name."""
    chosen = select(SavedView).where(SavedView.dataset_id == dataset_id, SavedView.page == page, SavedView.name == name)
    return session.scalar(chosen)


def save(session: Session, dataset_id: int, name: str, query: str, page: str = BROWSE) -> SavedView:
    """A new view of a page; ValueError when its name is taken there or empty."""
    _check_name(session, dataset_id, name, page)
    view = SavedView(dataset_id=dataset_id, page=page, name=name, query=query)
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
        _check_name(session, view.dataset_id, name, view.page)
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


def _check_name(session: Session, dataset_id: int, name: str, page: str) -> None:
    if not name.strip() or by_name(session, dataset_id, name, page) is not None:
        raise ValueError(f"a view cannot be called {name!r}: expected a free name")
