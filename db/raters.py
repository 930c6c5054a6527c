"""Who judges."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Rater


def get_or_add(session: Session, name: str) -> Rater:
    """The rater of this name, added when new; ValueError for an empty name."""
    name = " ".join(name.split())
    if not name:
        raise ValueError("a rater needs a name")
    rater = session.scalar(select(Rater).where(Rater.name == name))
    if rater is None:
        rater = Rater(name=name)
        session.add(rater)
        session.flush()
    return rater


def get(session: Session, rater_id: int) -> Rater | None:
    """The rater with this id."""
    return session.get(Rater, rater_id)


def list_all(session: Session) -> list[Rater]:
    """Every rater, by name."""
    return list(session.scalars(select(Rater).order_by(Rater.name)))
