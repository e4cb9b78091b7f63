"""All tables, by layer: sites and inbox, people, mirror, programs to standing, access."""

from records.models.access import AuditEntry, Grant, PeriodicJob, SetupLink, SignIn, User
from records.models.base import Base, uuid7
from records.models.mirror import (
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroup,
    MirrorGroupMember,
    MirrorModule,
    MirrorParticipation,
    MirrorRole,
    MirrorRoleAssignment,
)
from records.models.people import Account, Membership, Organisation, Person
from records.models.programs import (
    Binding,
    Community,
    CommunityCourse,
    Decision,
    FactRow,
    LedgerEntry,
    ProgramRow,
    ProgramVersionRow,
    SessionRow,
    StandingRow,
)
from records.models.sites import IgnoredCount, InboxItem, Reread, Site, SiteSecret

__all__ = [
    "Account",
    "AuditEntry",
    "Base",
    "Binding",
    "Community",
    "CommunityCourse",
    "Decision",
    "FactRow",
    "Grant",
    "IgnoredCount",
    "InboxItem",
    "LedgerEntry",
    "Membership",
    "MirrorCompletion",
    "MirrorCourse",
    "MirrorEnrolment",
    "MirrorGroup",
    "MirrorGroupMember",
    "MirrorModule",
    "MirrorParticipation",
    "MirrorRole",
    "MirrorRoleAssignment",
    "Organisation",
    "PeriodicJob",
    "Person",
    "ProgramRow",
    "ProgramVersionRow",
    "Reread",
    "SessionRow",
    "SetupLink",
    "SignIn",
    "Site",
    "SiteSecret",
    "StandingRow",
    "User",
    "uuid7",
]
