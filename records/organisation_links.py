"""What organisations that are known by now mean for hosts, teams and people."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import mirror
from records.affiliations import refresh_affiliations
from records.community_details import link_hosts
from records.models import Membership
from records.teams import refresh_teams


def link_organisations(session: Session) -> None:
    """Link communities, teams and memberships with the organisations that files and profiles name them by.

    To be called in the transaction that wrote organisations, after them: waits for what is on its way on every site,
    and whatever comes after sees the organisations. Marks the memberships for which something changed.
    """
    mirror.everywhere_alone(session)
    link_hosts(session)
    refresh_teams(session)
    refresh_affiliations(session, select(Membership.id))
