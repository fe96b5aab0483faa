"""Incidents and the devices in them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.String(40), primary_key=True),
        sa.Column("root_device_id", sa.String(200)),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("area", sa.String(200)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("detected_by", sa.String(64), nullable=False),
        sa.Column("devices_affected", sa.Integer, nullable=False),
        sa.Column("subscribers_affected", sa.Integer, nullable=False),
        sa.Column("customer_minutes_lost", sa.Float, nullable=False),
    )
    op.create_index("incidents_by_time", "incidents", ["started_at"])
    op.create_table(
        "incident_devices",
        sa.Column("incident_id", sa.String(40), sa.ForeignKey("incidents.incident_id"), primary_key=True),
        sa.Column("device_id", sa.String(200), primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("area", sa.String(200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("subscribers", sa.Integer, nullable=False),
    )
