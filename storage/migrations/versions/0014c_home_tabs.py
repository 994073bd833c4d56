"""home tabs: what each person asked for last, so that a late picture never covers a newer one"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014c"
down_revision = "0014b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "home_tabs",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("asked_ts", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_home_tabs_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_home_tabs")),
    )


def downgrade() -> None:
    op.drop_table("home_tabs")
