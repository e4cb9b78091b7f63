"""the console: ways to sign in, tokens of the REST API, mail and messages, long work"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _sign_in()
    _api()
    _nudges()
    _mails()
    _work()
    _late()
    _decisions()


def _sign_in() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("domains", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_providers")),
        sa.UniqueConstraint("code", name=op.f("uq_identity_providers_code")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_sign_in_failures")),
    )
    op.create_table(
        "identities",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["provider_id"], ["identity_providers.id"], name=op.f("fk_identities_provider_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id")),
        sa.PrimaryKeyConstraint("provider_id", "subject", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"], unique=False)
    op.add_column("sign_ins", sa.Column("former_hash", sa.String(length=64), nullable=True))
    op.add_column("sign_ins", sa.Column("way", sa.String(length=12), server_default="password", nullable=False))
    op.add_column(
        "sign_ins", sa.Column("rotated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.add_column(
        "sign_ins", sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.create_unique_constraint(op.f("uq_sign_ins_former_hash"), "sign_ins", ["former_hash"])
    op.add_column("users", sa.Column("language", sa.String(length=8), nullable=True))


def _api() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name=op.f("fk_idempotency_keys_token_id")),
        sa.PrimaryKeyConstraint("token_id", "key", name=op.f("pk_idempotency_keys")),
    )


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=10), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.String(length=60), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'sent', 'failed')", name=op.f("ck_mails_status")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mails_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_due", "mails", ["due_at"], unique=False, postgresql_where=sa.text("status = 'waiting'"))
    op.create_index(op.f("ix_mails_user_id"), "mails", ["user_id"], unique=False)


def _nudges() -> None:
    op.create_table(
        "nudges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=10), server_default="due", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('moodle', 'mail')", name=op.f("ck_nudges_channel")),
        sa.CheckConstraint("status IN ('due', 'done', 'cancelled')", name=op.f("ck_nudges_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nudges")),
    )
    op.create_index("ix_nudges_due", "nudges", ["due_at"], unique=False, postgresql_where=sa.text("status = 'due'"))
    op.create_table(
        "opt_outs",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("stands", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_opt_outs_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_opt_outs")),
    )
    op.create_table(
        "nudge_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nudge_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=10), server_default="waiting", nullable=False),
        sa.Column("reason", sa.String(length=60), server_default="", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'sending', 'sent', 'failed', 'skipped')", name=op.f("ck_nudge_messages_status")
        ),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name=op.f("fk_nudge_messages_membership_id")),
        sa.ForeignKeyConstraint(["nudge_id"], ["nudges.id"], name=op.f("fk_nudge_messages_nudge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nudge_messages")),
        sa.UniqueConstraint("nudge_id", "membership_id", name=op.f("uq_nudge_messages_nudge_id_membership_id")),
    )
    op.create_index(op.f("ix_nudge_messages_membership_id"), "nudge_messages", ["membership_id"], unique=False)
    op.create_index(
        "ix_nudge_messages_open",
        "nudge_messages",
        ["nudge_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('waiting', 'sending')"),
    )


def _work() -> None:
    op.create_table(
        "long_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("actor_role", sa.String(length=20), nullable=False),
        sa.Column("scope", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(length=10), server_default="due", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.String(length=400), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('due', 'running', 'done', 'failed')", name=op.f("ck_long_jobs_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_long_jobs")),
    )
    op.create_index(
        "ix_long_jobs_due", "long_jobs", ["id"], unique=False, postgresql_where=sa.text("status IN ('due', 'running')")
    )


def _late() -> None:
    op.add_column("standings", sa.Column("late", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_standings_late", "standings", ["membership_id"], unique=False, postgresql_where=sa.text("late > 0")
    )
    # Where a period is closed, what came late for it is counted at the next computing.
    op.execute(
        "UPDATE memberships SET dirty_at = now() FROM communities, closings"
        " WHERE communities.id = memberships.community_id AND closings.program_id = communities.program_id"
        " AND memberships.dirty_at IS NULL"
    )


def _decisions() -> None:
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.add_column("decisions", sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Until here nothing but reports waited for approval.
    op.execute(
        "UPDATE decisions d SET settled = true WHERE d.kind IN ('self_report', 'adjustment') AND ("
        " EXISTS (SELECT FROM decisions u WHERE u.undoes = d.id)"
        " OR EXISTS (SELECT FROM decisions a WHERE a.kind = 'approval' AND a.membership_id = d.membership_id"
        "  AND a.data ->> 'report' = d.id::text AND NOT EXISTS (SELECT FROM decisions u WHERE u.undoes = a.id)))"
    )
    op.create_index(
        "ix_decisions_unsettled",
        "decisions",
        ["kind", sa.text("abs((data ->> 'minutes')::integer)")],
        unique=False,
        postgresql_where=sa.text("kind IN ('self_report', 'adjustment') AND NOT settled"),
    )
