"""What a degradation is one of: loss, latency or saturation."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("measure", sa.String(16)))
