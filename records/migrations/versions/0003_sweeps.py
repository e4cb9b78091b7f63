"""sweeps, drift, copies of courses"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=8), server_default="due", nullable=False),
        sa.Column("allow_absences", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("way", sa.String(length=10), server_default="", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pending", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("highest_course", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(length=200), server_default="", nullable=False),
        sa.CheckConstraint("status IN ('due', 'running', 'done', 'failed')", name=op.f("ck_sweeps_status")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_sweeps_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
    )
    is_open = sa.text("status IN ('due', 'running')")
    op.create_index(
        "uq_sweeps_open",
        "sweeps",
        ["site_id", "course_id"],
        unique=True,
        postgresql_where=is_open,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_sweeps_finished", "sweeps", ["site_id", "course_id", "finished_at"], unique=False)
    op.create_index("ix_sweeps_due", "sweeps", ["due_at"], unique=False, postgresql_where=is_open)
    op.create_table(
        "drift_counts",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("module_id", sa.BigInteger(), server_default=sa.text("0"), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_drift_counts_site_id")),
        sa.PrimaryKeyConstraint("site_id", "course_id", "day", "kind", "module_id", name=op.f("pk_drift_counts")),
    )
    op.create_table(
        "course_copies",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("original_id", sa.BigInteger(), nullable=False),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="proposed", nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('proposed', 'continuation', 'new_community', 'ignored')", name=op.f("ck_course_copies_status")
        ),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_course_copies_decision_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_course_copies_site_id")),
        sa.PrimaryKeyConstraint("site_id", "course_id", name=op.f("pk_course_copies")),
    )
    op.create_table(
        "continued_modules",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("module_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("original_id", sa.BigInteger(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_continued_modules_decision_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_continued_modules_site_id")),
        sa.PrimaryKeyConstraint("site_id", "module_id", name=op.f("pk_continued_modules")),
    )
    op.create_index("ix_continued_modules_original", "continued_modules", ["site_id", "original_id"], unique=False)
