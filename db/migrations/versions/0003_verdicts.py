"""Verdicts on the preprocessing, and saved views of more than one page."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("saved_view") as batch:
        batch.add_column(sa.Column("page", sa.String(), nullable=True))
    op.execute("UPDATE saved_view SET page = 'browse'")
    with op.batch_alter_table("saved_view") as batch:
        batch.alter_column("page", existing_type=sa.String(), nullable=False)
        batch.drop_constraint(op.f("uq_saved_view_dataset_id_name"), type_="unique")
        batch.create_unique_constraint(op.f("uq_saved_view_dataset_id_page_name"), ["dataset_id", "page", "name"])
    op.create_table(
        "verdict",
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("stem", sa.String(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file_mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("rater_id", sa.Integer(), nullable=False),
        sa.Column("shown_at", sa.DateTime(), nullable=False),
        sa.Column("judged_at", sa.DateTime(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "output IN ('keypoints', 'densepose', 'parse', 'cloth_mask', 'agnostic')", name=op.f("ck_verdict_output_known")
        ),
        sa.CheckConstraint("verdict IS NULL OR verdict IN ('good', 'usable', 'defect')", name=op.f("ck_verdict_verdict_known")),
        sa.CheckConstraint("verdict IS NOT NULL OR NOT live", name=op.f("ck_verdict_undo_is_not_live")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_verdict_dataset_id_dataset"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["rater_id"], ["rater.id"], name=op.f("fk_verdict_rater_id_rater"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["supersedes"], ["verdict.id"], name=op.f("fk_verdict_supersedes_verdict"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint("uid", name=op.f("uq_verdict_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_verdict_rater_id"), "verdict", ["rater_id"], unique=False)
    op.create_index(op.f("ix_verdict_supersedes"), "verdict", ["supersedes"], unique=False)
    op.create_index("ix_verdict_dataset_id_split_id", "verdict", ["dataset_id", "split", "id"], unique=False)
    op.create_index(
        "uq_verdict_live",
        "verdict",
        ["dataset_id", "split", "stem", "output", "rater_id"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )


def downgrade() -> None:
    op.drop_table("verdict")
    op.execute("DELETE FROM saved_view WHERE page <> 'browse'")
    with op.batch_alter_table("saved_view") as batch:
        batch.drop_constraint(op.f("uq_saved_view_dataset_id_page_name"), type_="unique")
        batch.drop_column("page")
        batch.create_unique_constraint(op.f("uq_saved_view_dataset_id_name"), ["dataset_id", "name"])
