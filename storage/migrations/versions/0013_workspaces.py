"""workspaces: many of them, each with a token of its own, and what follows an uninstall"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "workspaces", sa.Column("token_generation", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("workspaces", sa.Column("installed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workspaces", sa.Column("remove_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_workspaces_remove_at", "workspaces", ["remove_at"], unique=False)
    op.create_table(
        "install_walks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("workspace_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_install_walks_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_install_walks")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_install_walks_state_hash")),
    )
    op.create_index("ix_install_walks_expires_at", "install_walks", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_install_walks_expires_at", table_name="install_walks")
    op.drop_table("install_walks")
    op.drop_index("ix_workspaces_remove_at", table_name="workspaces")
    op.drop_column("workspaces", "remove_at")
    op.drop_column("workspaces", "installed_at")
    op.drop_column("workspaces", "token_generation")
