"""reminders: alerts that nobody cured, snoozed ones, and messages that say where another one stands"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010a"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("incidents", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("snoozed_by", sa.String(length=32), nullable=True))
    op.create_index("ix_incidents_remind_at", "incidents", ["remind_at"], unique=False)
    op.add_column("notices", sa.Column("follows_id", sa.String(length=32), nullable=True))
    op.create_index("ix_notices_follows_id", "notices", ["follows_id"], unique=False)
    # Closed alerts are asked about no more; a moment that stayed with them is looked at in every tick.
    op.execute("UPDATE incidents SET next_at = NULL WHERE state = 'closed'")


def downgrade() -> None:
    op.drop_index("ix_notices_follows_id", table_name="notices")
    op.drop_column("notices", "follows_id")
    op.drop_index("ix_incidents_remind_at", table_name="incidents")
    for column in ("snoozed_by", "snoozed_until", "reminders", "remind_at"):
        op.drop_column("incidents", column)
