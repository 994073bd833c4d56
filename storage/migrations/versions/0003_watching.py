"""watching: live checks, and alerts that nobody took"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_incidents_next_at", "incidents", ["next_at"], unique=False)
    # Whatever was linked before is looked at once; that look finds the next moment.
    op.execute("UPDATE connections SET next_change_at = linked_at WHERE state = 'live'")


def downgrade() -> None:
    op.drop_index("ix_incidents_next_at", table_name="incidents")
    op.drop_column("incidents", "next_at")
    op.drop_column("connections", "probed_at")
