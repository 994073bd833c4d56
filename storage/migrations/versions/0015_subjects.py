"""what is asked for with every change of an alert: its messages by subject, its links by account"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_notices_subject", "notices", ["subject_id", "topic"])
    op.create_index("ix_invitations_connection_id", "invitations", ["connection_id"])


def downgrade() -> None:
    op.drop_index("ix_invitations_connection_id", table_name="invitations")
    op.drop_index("ix_notices_subject", table_name="notices")
