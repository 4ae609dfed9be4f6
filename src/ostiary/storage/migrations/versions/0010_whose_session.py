"""What verifications tell of a session's user, in the session's own row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward, and fill the new columns from the accounts."""
    for name in ("username", "email", "roles"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=True))
    op.execute(
        "UPDATE sessions SET username = users.username, email = users.email, roles = users.roles"
        " FROM users WHERE users.id = sessions.user_id"
    )
