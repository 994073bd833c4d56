"""own texts: what a post says on one account, where the one text does not fit all"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014a"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("text", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "text")
