"""what the companion plugin hands over and is handed: hours in activities' forms"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _hours_in_forms()
    _what_was_told()


def _hours_in_forms() -> None:
    for table in ("mirror_modules", "bindings"):
        op.add_column(table, sa.Column("minutes", sa.Integer(), nullable=True))
        op.add_column(table, sa.Column("component", sa.String(length=100), server_default="", nullable=False))
    op.add_column("mirror_modules", sa.Column("hours_as_of", sa.DateTime(timezone=True), nullable=True))


def _what_was_told() -> None:
    op.create_table(
        "told_standings",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_told_standings_account_id")),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name=op.f("fk_told_standings_membership_id")),
        sa.PrimaryKeyConstraint("account_id", "course_id", name=op.f("pk_told_standings")),
    )
    op.create_index(op.f("ix_told_standings_membership_id"), "told_standings", ["membership_id"], unique=False)
    op.create_table(
        "told_courses",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_told_courses_site_id")),
        sa.PrimaryKeyConstraint("site_id", "course_id", name=op.f("pk_told_courses")),
    )
