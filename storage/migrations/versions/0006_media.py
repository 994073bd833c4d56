"""media: files of posts that are stored here"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("mime", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_media_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("workspace_id", "digest", name=op.f("uq_media_workspace_id_digest")),
    )
    op.create_index("ix_media_next_at", "media", ["next_at"], unique=False)
    op.create_table(
        "media_uses",
        sa.Column("media_id", sa.String(length=32), nullable=False),
        sa.Column("post_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_media_uses_media_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_media_uses_post_id")),
        sa.PrimaryKeyConstraint("media_id", "post_id", name=op.f("pk_media_uses")),
    )


def downgrade() -> None:
    op.drop_table("media_uses")
    op.drop_index("ix_media_next_at", table_name="media")
    op.drop_table("media")
