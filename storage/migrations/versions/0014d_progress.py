"""progress: how much of a long upload has arrived"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014d"
down_revision = "0014c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("progress", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "progress")
