"""offers and imports: which message asks about a late post, and calendars on their way into the queue"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014b"
down_revision = "0014a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("offer_id", sa.String(length=32), nullable=True))
    op.create_index("ix_deliveries_offer_id", "deliveries", ["offer_id"], unique=False)
    op.create_table(
        "imports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("view_id", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=32), nullable=False),
        sa.Column("channel_id", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_imports_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("workspace_id", "view_id", name=op.f("uq_imports_workspace_id_view_id")),
    )
    op.create_index("ix_imports_next_at", "imports", ["next_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_imports_next_at", table_name="imports")
    op.drop_table("imports")
    op.drop_index("ix_deliveries_offer_id", table_name="deliveries")
    op.drop_column("deliveries", "offer_id")
