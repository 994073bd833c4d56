"""routines: the daily look for people who left, Monday's digests, who paused"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "routines",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_planned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_routines_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "kind", name=op.f("pk_routines")),
    )
    op.create_index("ix_routines_next_at", "routines", ["next_at"])
    op.create_table(
        "absences",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_absences_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_absences")),
    )
    op.add_column("workspaces", sa.Column("paused_by", sa.String(length=32), nullable=True))
    op.add_column("clients", sa.Column("paused_by", sa.String(length=32), nullable=True))
    op.add_column(
        "clients", sa.Column("team_digest", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("clients", "team_digest")
    op.drop_column("clients", "paused_by")
    op.drop_column("workspaces", "paused_by")
    op.drop_table("absences")
    op.drop_index("ix_routines_next_at", table_name="routines")
    op.drop_table("routines")
