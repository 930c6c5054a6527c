"""Every table on one screen; rules live here as constraints, what is done with the rows lives in the verbs."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

OUTPUTS = ("keypoints", "densepose", "parse", "cloth_mask", "agnostic")  # of the preprocessing, as the checks name them
VERDICTS = ("good", "usable", "defect")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled", "lost")
ACTIVE_STATES = ("queued", "running")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A time with its zone, kept as UTC without one, the same on every database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone was given: {value}")
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Ids are never given twice (AUTOINCREMENT on SQLite): links and judgements outlive the rows that they name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Moment,
        dict[str, Any]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
    }

    id: Mapped[int] = mapped_column(primary_key=True)


AUTOINCREMENT = {"sqlite_autoincrement": True}


def parent(column: str, rule: str = "CASCADE") -> Any:
    """A foreign key whose row goes with its parent, or by "SET NULL" stays without it."""
    return mapped_column(ForeignKey(column, ondelete=rule), index=True)


class Dataset(Base):
    """A folder of pairs, read and never written to."""

    __tablename__ = "dataset"
    __table_args__ = (AUTOINCREMENT,)

    name: Mapped[str] = mapped_column(String, unique=True)
    root: Mapped[str] = mapped_column(String, unique=True)  # absolute
    fingerprint: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(default=now)


class Item(Base):
    """A stem of one split: a person, a garment or both, and the maps that lie on disk for it."""

    __tablename__ = "item"
    __table_args__ = (UniqueConstraint("dataset_id", "split", "stem"), AUTOINCREMENT)

    dataset_id: Mapped[int] = parent("dataset.id")
    split: Mapped[str]
    stem: Mapped[str]
    has_person: Mapped[bool]
    has_cloth: Mapped[bool]
    maps: Mapped[dict[str, str]]  # kind -> path relative to the dataset's root


class ListedPair(Base):
    """A line of a split's pair list."""

    __tablename__ = "listed_pair"
    __table_args__ = (UniqueConstraint("dataset_id", "split", "position"), AUTOINCREMENT)

    dataset_id: Mapped[int] = parent("dataset.id")
    split: Mapped[str]
    position: Mapped[int]  # 0 is the first line
    person: Mapped[str]
    cloth: Mapped[str]


class SavedView(Base):
    """What a page shows of a dataset (a search, filters, an order) under a name."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("dataset_id", "page", "name"), AUTOINCREMENT)

    dataset_id: Mapped[int] = parent("dataset.id")
    page: Mapped[str] = mapped_column(default="browse")
    name: Mapped[str]
    query: Mapped[str]  # of the address that opens it, as "split=test&kind=Paired", without the dataset
    created_at: Mapped[datetime] = mapped_column(default=now)


class Run(Base):
    """A run folder that was imported."""

    __tablename__ = "run"
    __table_args__ = (AUTOINCREMENT,)

    name: Mapped[str] = mapped_column(String, unique=True)
    folder: Mapped[str] = mapped_column(String, unique=True)  # absolute
    config: Mapped[dict[str, Any]]
    config_hash: Mapped[str]
    dataset_id: Mapped[int | None] = parent("dataset.id", rule="SET NULL")
    split: Mapped[str | None]
    created_at: Mapped[datetime]
    imported_at: Mapped[datetime] = mapped_column(default=now)


class Result(Base):
    """One image of a run."""

    __tablename__ = "result"
    __table_args__ = (
        UniqueConstraint("run_id", "person", "cloth"),
        Index("ix_result_person_cloth", "person", "cloth"),
        AUTOINCREMENT,
    )

    run_id: Mapped[int] = parent("run.id")
    person: Mapped[str]
    cloth: Mapped[str]
    path: Mapped[str]  # relative to the run's folder
    sha256: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    file_size: Mapped[int] = mapped_column(BigInteger)  # bytes; with the next, tells whether the file was changed
    file_mtime_ns: Mapped[int] = mapped_column(BigInteger)


class Metric(Base):
    """A number about a run (no result) or about one of its results."""

    __tablename__ = "metric"
    __table_args__ = (
        Index(
            "uq_metric_of_run",
            "run_id",
            "name",
            unique=True,
            sqlite_where=text("result_id IS NULL"),
            postgresql_where=text("result_id IS NULL"),
        ),
        Index("uq_metric_of_result", "result_id", "name", unique=True),
        AUTOINCREMENT,
    )

    run_id: Mapped[int] = parent("run.id")
    result_id: Mapped[int | None] = mapped_column(ForeignKey("result.id", ondelete="CASCADE"))
    name: Mapped[str]
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int | None]
    higher_is_better: Mapped[bool | None]
    card: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Rater(Base):
    """Who judges."""

    __tablename__ = "rater"
    __table_args__ = (AUTOINCREMENT,)

    name: Mapped[str] = mapped_column(String, unique=True)
    added_at: Mapped[datetime] = mapped_column(default=now)


class Judgement:
    """What a rater gives, in columns; only added to: a new one and an undo supersede the row before."""

    uid: Mapped[str] = mapped_column(String, unique=True)  # made by the client, so that sending twice stores once
    rater_id: Mapped[int] = parent("rater.id")
    shown_at: Mapped[datetime]
    client: Mapped[str]
    live: Mapped[bool]

    @declared_attr
    @classmethod
    def supersedes(cls) -> Mapped[int | None]:
        """The row that this one takes the place of."""
        return mapped_column(ForeignKey(f"{cls.__tablename__}.id", ondelete="CASCADE"), index=True)  # type: ignore[attr-defined]


class Rating(Judgement, Base):
    """A score of one result on one axis; no score is an undo."""

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint("score IS NULL OR score BETWEEN 1 AND 5", name="score_1_to_5"),
        CheckConstraint("score IS NOT NULL OR NOT live", name="undo_is_not_live"),
        Index(
            "uq_rating_live",
            "rater_id",
            "result_id",
            "axis",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
        AUTOINCREMENT,
    )

    result_id: Mapped[int] = parent("result.id")
    result_sha256: Mapped[str]  # of the picture that was seen
    axis: Mapped[str]
    score: Mapped[int | None]
    rated_at: Mapped[datetime] = mapped_column(default=now)


class Verdict(Judgement, Base):
    """What a rater says of one output of an item's preprocessing; no verdict is an undo.

    It names its item by split and stem, and so outlives a file that is away for a while.
    """

    __tablename__ = "verdict"
    __table_args__ = (
        CheckConstraint(f"output IN {OUTPUTS}", name="output_known"),
        CheckConstraint(f"verdict IS NULL OR verdict IN {VERDICTS}", name="verdict_known"),
        CheckConstraint("verdict IS NOT NULL OR NOT live", name="undo_is_not_live"),
        Index(
            "uq_verdict_live",
            "dataset_id",
            "split",
            "stem",
            "output",
            "rater_id",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
        Index("ix_verdict_dataset_id_split_id", "dataset_id", "split", "id"),
        AUTOINCREMENT,
    )

    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"))
    split: Mapped[str]
    stem: Mapped[str]
    output: Mapped[str]
    verdict: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    note: Mapped[str] = mapped_column(default="")
    file: Mapped[str]  # that was judged, relative to the dataset's root; "repairs/..." for a repaired one
    sha256: Mapped[str]  # of that file
    file_size: Mapped[int] = mapped_column(BigInteger)  # bytes; with the next, tells whether the file was changed
    file_mtime_ns: Mapped[int] = mapped_column(BigInteger)
    judged_at: Mapped[datetime] = mapped_column(default=now)


class Job(Base):
    """A process that the studio started and watches."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(f"state IN {JOB_STATES}", name="state_known"),
        Index("ix_job_state", "state"),
        AUTOINCREMENT,
    )

    kind: Mapped[str]
    title: Mapped[str]
    command: Mapped[list[str]]
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what the studio does when the command has ended
    folder: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    pid: Mapped[int | None]
    process_started: Mapped[float | None]  # seconds since 1970 as the system tells it; with pid it names one process
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    exit_code: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
