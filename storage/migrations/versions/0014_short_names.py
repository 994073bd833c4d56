"""short names: a client's old ones stay, and a client has settings of its own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client_aliases",
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_client_aliases_workspace_id")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_aliases_client_id")),
        sa.PrimaryKeyConstraint("workspace_id", "slug", name=op.f("pk_client_aliases")),
    )
    op.create_index("ix_client_aliases_client_id", "client_aliases", ["client_id"])
    op.add_column("clients", sa.Column("settings", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("clients", "settings")
    op.drop_index("ix_client_aliases_client_id", table_name="client_aliases")
    op.drop_table("client_aliases")
