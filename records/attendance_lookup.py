"""What the words of an attendance file stand for: sites, communities, accounts, activities. Exact keys only."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.attendance_file import AttendanceRow
from records.keys import among
from records.models import Account, Community, CommunityCourse, Membership, MirrorCourse, MirrorModule, Site


class Unknown(Exception):
    """A value that stands for nothing, or for more than one thing; with its column."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


class Lookup:
    """Everything that the rows can name, read once."""

    def __init__(self, session: Session, rows: Sequence[AttendanceRow]) -> None:
        named = session.execute(select(Site.slug, Site.id).where(Site.slug.in_({row.site for row in rows})))
        self._sites = {slug: site_id for slug, site_id in named}  # noqa: C416 - dict() of rows loses their types
        self._read_communities(session)
        self._read_accounts(session, rows)
        self._modules: dict[tuple[UUID, UUID, str], list[int]] = {}
        if any(row.activity for row in rows):
            self._read_modules(session)

    def site(self, slug: str) -> UUID:
        if slug not in self._sites:
            raise Unknown("site", f"there is no site '{slug}'")
        return self._sites[slug]

    def community(self, site_id: UUID, name: str) -> Community:
        """The community of a course idnumber on the site, or of its own id."""
        found = self._by_course.get((site_id, name), {})
        if len(found) > 1:
            raise Unknown(
                "community", f"'{name}' is the idnumber of {len(found)} communities: expected the community's id"
            )
        try:
            community = next(iter(found.values()), None) or self._by_id.get(UUID(name))
        except ValueError:
            community = None
        if community is None:
            raise Unknown(
                "community",
                f"no community has a course of the idnumber '{name}' there: expected that, or a community's id",
            )
        return community

    def account(self, site_id: UUID, user: int | None, idnumber: str) -> Account:
        """The account of a Moodle user id, an idnumber, or of both where they agree."""
        if user is not None:
            account = self._by_user.get((site_id, user))
            if account is None:
                raise Unknown("user", f"no account has the Moodle user id {user} on that site")
            if idnumber and account.idnumber != idnumber:
                raise Unknown("idnumber", f"Moodle user {user} has another idnumber than '{idnumber}'")
            return account
        named = self._by_idnumber.get((site_id, idnumber), [])
        if not named:
            raise Unknown("idnumber", f"no account on that site has the idnumber '{idnumber}'")
        if len(named) > 1:
            raise Unknown(
                "idnumber", f"{len(named)} accounts have the idnumber '{idnumber}': expected a Moodle user id in 'user'"
            )
        return named[0]

    def module(self, site_id: UUID, community_id: UUID, idnumber: str) -> tuple[UUID, int]:
        """The Moodle activity of an idnumber in the community's courses on the site."""
        found = self._modules.get((site_id, community_id, idnumber), [])
        if len(found) != 1:
            many = f"{len(found)} activities have" if found else "no activity has"
            raise Unknown("activity", f"{many} the idnumber '{idnumber}' in the community's course")
        return site_id, found[0]

    def is_member(self, community_id: UUID, person_id: UUID) -> bool:
        return (community_id, person_id) in self._members

    def _read_communities(self, session: Session) -> None:
        self._by_course: dict[tuple[UUID, str], dict[UUID, Community]] = {}
        rows = session.execute(
            select(MirrorCourse.site_id, MirrorCourse.idnumber, Community)
            .join(
                CommunityCourse,
                (CommunityCourse.site_id == MirrorCourse.site_id)
                & (CommunityCourse.course_id == MirrorCourse.course_id),
            )
            .join(Community, Community.id == CommunityCourse.community_id)
            .where(MirrorCourse.site_id.in_(self._sites.values()))
        ).all()
        for site_id, idnumber, community in rows:
            self._by_course.setdefault((site_id, idnumber), {})[community.id] = community
        self._by_id = {community.id: community for _, _, community in rows}

    def _read_accounts(self, session: Session, rows: Sequence[AttendanceRow]) -> None:
        self._by_user: dict[tuple[UUID, int], Account] = {}
        self._by_idnumber: dict[tuple[UUID, str], list[Account]] = {}
        users = sorted({row.user for row in rows if row.user is not None})
        idnumbers = sorted({row.idnumber for row in rows if row.idnumber})
        on_sites = Account.site_id.in_(self._sites.values())
        persons: set[UUID] = set()
        for account in session.scalars(select(Account).where(on_sites, among(Account.moodle_user_id, users))):
            self._by_user[(account.site_id, account.moodle_user_id)] = account
            persons.add(account.person_id)
        named = select(Account).where(on_sites, Account.present, among(Account.idnumber, idnumbers))
        for account in session.scalars(named):
            self._by_idnumber.setdefault((account.site_id, account.idnumber), []).append(account)
            persons.add(account.person_id)
        pairs = select(Membership.community_id, Membership.person_id).where(
            among(Membership.person_id, sorted(persons))
        )
        self._members = {(community, person) for community, person in session.execute(pairs)}

    def _read_modules(self, session: Session) -> None:
        rows = session.execute(
            select(MirrorModule.site_id, CommunityCourse.community_id, MirrorModule.idnumber, MirrorModule.module_id)
            .join(
                CommunityCourse,
                (CommunityCourse.site_id == MirrorModule.site_id)
                & (CommunityCourse.course_id == MirrorModule.course_id),
            )
            .where(MirrorModule.site_id.in_(self._sites.values()), MirrorModule.present, MirrorModule.idnumber != "")
        )
        for site_id, community_id, idnumber, module_id in rows:
            self._modules.setdefault((site_id, community_id, idnumber), []).append(module_id)
