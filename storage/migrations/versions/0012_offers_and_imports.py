"""offers and imports: which message asks about a late post, and calendars on their way into the queue"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0014a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("offer_id", sa.String(length=32), nullable=True))
    op.create_index("ix_deliveries_offer_id", "deliveries", ["offer_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_deliveries_offer_id", table_name="deliveries")
    op.drop_column("deliveries", "offer_id")
