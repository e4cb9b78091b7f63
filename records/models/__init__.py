"""All tables, by layer: sites and inbox, people, mirror, sweeps, programs to standing, teams and milestones, access."""

from records.models.access import AuditEntry, Grant, PeriodicJob, SetupLink, SignIn, User
from records.models.base import Base, uuid7
from records.models.meetings import (
    AttendanceReport,
    Presence,
    SessionChange,
    SessionRow,
    SharedSession,
    ToldPresence,
)
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
from records.models.people import Account, ErasedAccount, Membership, Organisation, Person
from records.models.programs import (
    Binding,
    Community,
    CommunityCourse,
    Decision,
    FactRow,
    LedgerEntry,
    ProgramRow,
    ProgramVersionRow,
    StandingRow,
)
from records.models.sites import IgnoredCount, InboxItem, Reread, Site, SiteSecret
from records.models.sweep import ContinuedModule, CourseCopy, DriftCount, Sweep
from records.models.teams import ClosedMember, Closing, MilestoneRow, Team
from records.models.telling import ToldCourse, ToldStanding

__all__ = [
    "Account",
    "AttendanceReport",
    "AuditEntry",
    "Base",
    "Binding",
    "ClosedMember",
    "Closing",
    "Community",
    "CommunityCourse",
    "ContinuedModule",
    "CourseCopy",
    "Decision",
    "DriftCount",
    "ErasedAccount",
    "FactRow",
    "Grant",
    "IgnoredCount",
    "InboxItem",
    "LedgerEntry",
    "Membership",
    "MilestoneRow",
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
    "Presence",
    "ProgramRow",
    "ProgramVersionRow",
    "Reread",
    "SessionChange",
    "SessionRow",
    "SetupLink",
    "SharedSession",
    "SignIn",
    "Site",
    "SiteSecret",
    "StandingRow",
    "Sweep",
    "Team",
    "ToldCourse",
    "ToldPresence",
    "ToldStanding",
    "User",
    "uuid7",
]
