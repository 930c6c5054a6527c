"""Saved views of a dataset in Browse."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_saved_view_dataset_id_dataset"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("dataset_id", "name", name=op.f("uq_saved_view_dataset_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_saved_view_dataset_id"), "saved_view", ["dataset_id"], unique=False)


def downgrade() -> None:
    op.drop_table("saved_view")
