"""attendance: sessions in detail, what each way of recording says, and what Moodle was told of it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _reports_and_changes()
    _presences()
    _columns()
    _mirror()
    _what_files_said()


def _reports_and_changes() -> None:
    op.create_table(
        "attendance_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.String(length=10), server_default="uploaded", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.String(length=200), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=80), server_default="", nullable=False),
        sa.CheckConstraint(
            "status IN ('uploaded', 'due', 'running', 'done', 'failed', 'undone')",
            name=op.f("ck_attendance_reports_status"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["communities.id"], name=op.f("fk_attendance_reports_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_reports")),
    )
    op.create_index("ix_attendance_reports_community_id", "attendance_reports", ["community_id"], unique=False)
    op.create_index(
        "ix_attendance_reports_due",
        "attendance_reports",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('due', 'running')"),
    )
    op.create_table(
        "session_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("after", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "what IN ('made', 'moved', 'cancelled', 'restored', 'changed')", name=op.f("ck_session_changes_what")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_changes_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_changes")),
    )
    op.create_index("ix_session_changes_session_id", "session_changes", ["session_id"], unique=False)
    op.create_table(
        "told_presences",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("module_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("facts", sa.String(length=32), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_told_presences_account_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_told_presences_session_id")),
        sa.PrimaryKeyConstraint("session_id", "account_id", "module_id", name=op.f("pk_told_presences")),
    )
    op.create_index(op.f("ix_told_presences_account_id"), "told_presences", ["account_id"], unique=False)


def _presences() -> None:
    op.create_table(
        "presences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("report_line", sa.Integer(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=True),
        sa.Column("mode", sa.String(length=20), nullable=True),
        sa.Column("intervals", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("who", postgresql.JSONB(), nullable=True),
        sa.Column("held", sa.String(length=20), nullable=True),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.String(length=80), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=80), server_default="", nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_presences_account_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_presences_decision_id")),
        sa.ForeignKeyConstraint(["report_id"], ["attendance_reports.id"], name=op.f("fk_presences_report_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_presences_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presences")),
    )
    op.create_index("ix_presences_account_id", "presences", ["account_id"], unique=False)
    op.create_index(
        "ix_presences_due",
        "presences",
        ["session_id", "account_id"],
        unique=False,
        postgresql_where=sa.text("folded_at IS NULL AND account_id IS NOT NULL"),
    )
    op.create_index(
        "ix_presences_open",
        "presences",
        ["session_id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL AND (account_id IS NULL OR held IS NOT NULL)"),
    )
    op.create_table(
        "disputes",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_disputes_account_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_disputes_session_id")),
        sa.PrimaryKeyConstraint("session_id", "account_id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_presences_report_id", "presences", ["report_id"], unique=False)
    op.create_index("ix_presences_session", "presences", ["session_id", "account_id"], unique=False)


def _columns() -> None:
    op.add_column(
        "sites",
        sa.Column("own_users", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("communities", sa.Column("calendar_revision", sa.Integer(), server_default="0", nullable=False))
    op.add_column("facts", sa.Column("mode", sa.String(length=20), nullable=True))
    op.add_column("memberships", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_memberships_merged_into"), "memberships", ["merged_into"], unique=False)
    op.create_foreign_key(op.f("fk_memberships_merged_into"), "memberships", "memberships", ["merged_into"], ["id"])
    op.add_column("sessions", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("place", sa.Text(), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("link", sa.Text(), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("capacity", sa.Integer(), nullable=True))
    op.add_column("sessions", sa.Column("required", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("sessions", sa.Column("series", sa.String(length=80), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("makes_up", sa.Uuid(), nullable=True))
    op.add_column("sessions", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("revision", sa.Integer(), server_default="0", nullable=False))
    op.add_column("sessions", sa.Column("check_in_opened_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("check_in_ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("source", sa.String(length=20), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("source_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_sessions_makes_up"), "sessions", ["makes_up"], unique=False)
    op.create_index(
        "uq_sessions_source",
        "sessions",
        ["module_site_id", "source", "source_id", "community_id"],
        unique=True,
        postgresql_where=sa.text("source_id IS NOT NULL"),
    )
    op.create_foreign_key(op.f("fk_sessions_makes_up"), "sessions", "sessions", ["makes_up"], ["id"])
    op.drop_index("uq_sessions_module", table_name="sessions")
    op.create_index(
        "uq_sessions_module",
        "sessions",
        ["community_id", "module_site_id", "module_id"],
        unique=True,
        postgresql_where=sa.text("module_id IS NOT NULL AND source = ''"),
    )


def _mirror() -> None:
    op.create_table(
        "mirror_attendances",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("module_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_mirror_attendances_site_id")),
        sa.PrimaryKeyConstraint("site_id", "module_id", name=op.f("pk_mirror_attendances")),
    )


def _what_files_said() -> None:
    """Attendance came by files so far: each fact is what one of them says."""
    op.execute(
        """
        INSERT INTO presences (id, session_id, account_id, way, minutes, status, correlation_id, recorded_by,
                               recorded_at, folded_at)
        SELECT id, session_id, account_id, 'file', minutes, presence, correlation_id, 'system', recorded_at, recorded_at
        FROM facts WHERE kind = 'attendance' AND superseded_at IS NULL
        """
    )
