"""What the words of a file stand for: sites, communities, accounts, activities. Exact keys only."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.keys import among
from records.models import (
    Account,
    Community,
    CommunityCourse,
    Membership,
    MirrorCourse,
    MirrorGroup,
    MirrorModule,
    Site,
)


class Unknown(Exception):
    """A value that stands for nothing, or for more than one thing; with its column."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


class Lookup:
    """Everything that the rows can name, read once."""

    def __init__(
        self,
        session: Session,
        sites: Iterable[str],
        *,
        users: Iterable[int] = (),
        idnumbers: Iterable[str] = (),
        modules: bool = False,
    ) -> None:
        named = session.execute(select(Site.slug, Site.id).where(Site.slug.in_(set(sites))))
        self._sites = {slug: site_id for slug, site_id in named}  # noqa: C416 - dict() of rows loses their types
        self._read_communities(session)
        self._read_accounts(session, sorted(set(users)), sorted(set(idnumbers)))
        self._modules: dict[tuple[UUID, UUID, str], list[int]] = {}
        if modules:
            self._read_modules(session)

    def site(self, slug: str) -> UUID:
        if slug not in self._sites:
            raise Unknown("site", f"there is no site '{slug}'")
        return self._sites[slug]

    def community(self, site_id: UUID | None, name: str, column: str = "community") -> Community:
        """The community of a course's or group's idnumber on the site (None: on none), or of its own id."""
        found = self._by_place.get((site_id, name), {}) if site_id else {}
        if len(found) > 1:
            raise Unknown(column, f"'{name}' is the idnumber of {len(found)} communities: expected the community's id")
        try:
            community = next(iter(found.values()), None) or self._by_id.get(UUID(name))
        except ValueError:
            community = None
        if community is None:
            raise Unknown(
                column,
                f"no community has a course or group of the idnumber '{name}' there:"
                " expected that, or a community's id",
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

    def accounts(self, site_id: UUID, user: int | None, idnumber: str) -> list[Account]:
        """Those that have the Moodle user id, or the idnumber."""
        of_id = self._by_user.get((site_id, user)) if user is not None else None
        named = self._by_idnumber.get((site_id, idnumber), []) if idnumber else []
        return list({account.id: account for account in (of_id, *named) if account}.values())

    def module(self, site_id: UUID, community_id: UUID, idnumber: str) -> tuple[UUID, int]:
        """The Moodle activity of an idnumber in the community's courses on the site."""
        found = self._modules.get((site_id, community_id, idnumber), [])
        if len(found) != 1:
            many = f"{len(found)} activities have" if found else "no activity has"
            raise Unknown("activity", f"{many} the idnumber '{idnumber}' in the community's course")
        return site_id, found[0]

    def is_member(self, community_id: UUID, person_id: UUID) -> bool:
        return (community_id, person_id) in self._members

    def membership(self, community_id: UUID, person_id: UUID) -> UUID | None:
        return self._members.get((community_id, person_id))

    def _read_communities(self, session: Session) -> None:
        c, course, group = CommunityCourse, MirrorCourse, MirrorGroup
        rows = session.execute(
            select(c.site_id, c.course_id, c.group_id, course.idnumber, group.idnumber, Community)
            .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id))
            .outerjoin(group, (group.site_id == c.site_id) & (group.group_id == c.group_id))
            .join(Community, Community.id == c.community_id)
            .where(c.site_id.in_(self._sites.values()))
        ).all()
        whole = {(site_id, course_id) for site_id, course_id, group_id, *_ in rows if not group_id}
        self._by_place: dict[tuple[UUID, str], dict[UUID, Community]] = {}
        for site_id, course_id, group_id, of_course, of_group, community in rows:
            # Where the whole course is a community, its idnumber means that one, and none of its groups.
            if not group_id or (site_id, course_id) not in whole:
                self._by_place.setdefault((site_id, of_course), {})[community.id] = community
            if group_id and of_group:
                self._by_place.setdefault((site_id, of_group), {})[community.id] = community
        # By its id a community is named wherever its courses are.
        self._by_id = {community.id: community for community in session.scalars(select(Community))}

    def _read_accounts(self, session: Session, users: Sequence[int], idnumbers: Sequence[str]) -> None:
        self._by_user: dict[tuple[UUID, int], Account] = {}
        self._by_idnumber: dict[tuple[UUID, str], list[Account]] = {}
        on_sites = Account.site_id.in_(self._sites.values())
        persons: set[UUID] = set()
        for account in session.scalars(select(Account).where(on_sites, among(Account.moodle_user_id, users))):
            self._by_user[(account.site_id, account.moodle_user_id)] = account
            persons.add(account.person_id)
        named = select(Account).where(on_sites, Account.present, among(Account.idnumber, idnumbers))
        for account in session.scalars(named):
            self._by_idnumber.setdefault((account.site_id, account.idnumber), []).append(account)
            persons.add(account.person_id)
        self._members: dict[tuple[UUID, UUID], UUID] = {}
        self.add_members(session, persons)

    def add_members(self, session: Session, persons: Iterable[UUID]) -> None:
        """Know the memberships of more people."""
        m = Membership
        held = select(m.id, m.community_id, m.person_id).where(among(m.person_id, sorted(persons)))
        self._members |= {(community, person): member for member, community, person in session.execute(held)}

    def _read_modules(self, session: Session) -> None:
        rows = session.execute(
            select(MirrorModule.site_id, CommunityCourse.community_id, MirrorModule.idnumber, MirrorModule.module_id)
            .distinct()
            .join(
                CommunityCourse,
                (CommunityCourse.site_id == MirrorModule.site_id)
                & (CommunityCourse.course_id == MirrorModule.course_id),
            )
            .where(MirrorModule.site_id.in_(self._sites.values()), MirrorModule.present, MirrorModule.idnumber != "")
        )
        for site_id, community_id, idnumber, module_id in rows:
            self._modules.setdefault((site_id, community_id, idnumber), []).append(module_id)
