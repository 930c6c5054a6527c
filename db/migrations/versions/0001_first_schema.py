"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
        sa.UniqueConstraint("name", name=op.f("uq_dataset_name")),
        sa.UniqueConstraint("root", name=op.f("uq_dataset_root")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("command", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("process_started", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'lost')", name=op.f("ck_job_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_state", "job", ["state"], unique=False)

    op.create_table(
        "rater",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater")),
        sa.UniqueConstraint("name", name=op.f("uq_rater_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "item",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("stem", sa.String(), nullable=False),
        sa.Column("has_person", sa.Boolean(), nullable=False),
        sa.Column("has_cloth", sa.Boolean(), nullable=False),
        sa.Column("maps", sa.JSON(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_item_dataset_id_dataset"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("dataset_id", "split", "stem", name=op.f("uq_item_dataset_id_split_stem")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_item_dataset_id"), "item", ["dataset_id"], unique=False)

    op.create_table(
        "listed_pair",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("cloth", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_listed_pair_dataset_id_dataset"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listed_pair")),
        sa.UniqueConstraint("dataset_id", "split", "position", name=op.f("uq_listed_pair_dataset_id_split_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_listed_pair_dataset_id"), "listed_pair", ["dataset_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("config_hash", sa.String(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=True),
        sa.Column("split", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("imported_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_run_dataset_id_dataset"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("folder", name=op.f("uq_run_folder")),
        sa.UniqueConstraint("name", name=op.f("uq_run_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_run_dataset_id"), "run", ["dataset_id"], unique=False)

    op.create_table(
        "result",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("cloth", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file_mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_result_run_id_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint("run_id", "person", "cloth", name=op.f("uq_result_run_id_person_cloth")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_result_person_cloth", "result", ["person", "cloth"], unique=False)
    op.create_index(op.f("ix_result_run_id"), "result", ["run_id"], unique=False)

    op.create_table(
        "metric",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("higher_is_better", sa.Boolean(), nullable=True),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_metric_result_id_result"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_metric_run_id_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_metric_run_id"), "metric", ["run_id"], unique=False)
    op.create_index("uq_metric_of_result", "metric", ["result_id", "name"], unique=True)
    op.create_index(
        "uq_metric_of_run",
        "metric",
        ["run_id", "name"],
        unique=True,
        sqlite_where=sa.text("result_id IS NULL"),
        postgresql_where=sa.text("result_id IS NULL"),
    )

    op.create_table(
        "rating",
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("result_sha256", sa.String(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("axis", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("shown_at", sa.DateTime(), nullable=False),
        sa.Column("rated_at", sa.DateTime(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("score IS NOT NULL OR NOT live", name=op.f("ck_rating_undo_is_not_live")),
        sa.CheckConstraint("score IS NULL OR score BETWEEN 1 AND 5", name=op.f("ck_rating_score_1_to_5")),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_rating_rater_id_rater"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_rating_result_id_result"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["supersedes"], ["rating.id"], name=op.f("fk_rating_supersedes_rating"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("uid", name=op.f("uq_rating_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rating_rater_id"), "rating", ["rater_id"], unique=False)
    op.create_index(op.f("ix_rating_result_id"), "rating", ["result_id"], unique=False)
    op.create_index(op.f("ix_rating_supersedes"), "rating", ["supersedes"], unique=False)
    op.create_index(
        "uq_rating_live",
        "rating",
        ["rater_id", "result_id", "axis"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )


def downgrade() -> None:
    for table in ("rating", "metric", "result", "run", "listed_pair", "item", "rater", "job", "dataset"):
        op.drop_table(table)
