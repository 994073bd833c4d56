"""notices of revocation, and handing logins over"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revocation_notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("seen_key", sa.String(length=64), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("grant_id", sa.String(length=32), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation_notices")),
        sa.UniqueConstraint("seen_key", name=op.f("uq_revocation_notices_seen_key")),
        sa.UniqueConstraint("code", name=op.f("uq_revocation_notices_code")),
    )
    op.create_index("ix_revocation_notices_open", "revocation_notices", ["standing", "kind"])
    op.create_index("ix_consents_grant_id", "consents", ["grant_id"])
    op.add_column("invitations", sa.Column("hand_over_of", sa.String(length=32), nullable=True))
    op.add_column("grants", sa.Column("known_as", sa.String(length=255), nullable=True))


def downgrade() -> None:
    op.drop_column("grants", "known_as")
    op.drop_column("invitations", "hand_over_of")
    op.drop_index("ix_consents_grant_id", table_name="consents")
    op.drop_index("ix_revocation_notices_open", table_name="revocation_notices")
    op.drop_table("revocation_notices")
