"""provisioning: files, the courses made by them, applications"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _files()
    _courses()
    op.create_table(
        "provision_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reads", sa.Integer(), server_default="0", nullable=False),
        sa.Column("writes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["provision_files.id"], name=op.f("fk_provision_runs_file_id_provision_files")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provision_runs")),
    )
    op.create_index(op.f("ix_provision_runs_file_id"), "provision_runs", ["file_id"], unique=False)


def _files() -> None:
    op.create_table(
        "provision_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_provision_files_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provision_files")),
        sa.UniqueConstraint("code", "number", name=op.f("uq_provision_files_code_number")),
    )
    op.create_table(
        "provision_people",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("code", "name", name=op.f("pk_provision_people")),
    )


def _courses() -> None:
    op.create_table(
        "provisioned_courses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=130), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), nullable=True),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("shortname", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("fault", sa.String(length=60), server_default="", nullable=False),
        sa.Column("params", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "stage IN ('copying', 'copied', 'verified', 'ready', 'closed')", name=op.f("ck_provisioned_courses_stage")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_provisioned_courses_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioned_courses")),
        sa.UniqueConstraint("code", "key", name=op.f("uq_provisioned_courses_code_key")),
        sa.UniqueConstraint("site_id", "course_id", name=op.f("uq_provisioned_courses_site_id_course_id")),
    )
    op.create_table(
        "provision_welcomes",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("moodle_user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("outcome", sa.String(length=10), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_provision_welcomes_site_id_sites")),
        sa.PrimaryKeyConstraint("site_id", "course_id", "moodle_user_id", name=op.f("pk_provision_welcomes")),
    )
