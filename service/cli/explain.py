"""`copbridge explain`: every line of a person's hours, by the functions that computed them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.facts import Line
from mappings.program import version_at
from records import ledger
from records.models import Account, Membership
from records.programs import newest
from records.sites import find_site
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, hours, local, say, say_json, table
from service.wording import ENDED, NOTHING


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(explain)


def explain(
    person: Annotated[str, typer.Argument(help="A person's id, or SITE:MOODLE_ID.", metavar="PERSON")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Explain a person's hours: each fact and decision, what it earned by which rule and version, or why nothing."""
    with records() as opened:
        with opened.transaction() as session:
            person_id = _person(session, person)
            ids = list(session.scalars(select(Membership.id).where(Membership.person_id == person_id)))
            inputs = ledger.inputs_of(session, ids)
        answers = [(item, ledger.answer(item, opened.now())) for item in inputs]
    if as_json:
        say_json({"person": person_id, "memberships": [_as_data(item, answer) for item, answer in answers]})
        return
    if not answers:
        say(f"The person {person_id} is in no community.")
    for item, answer in answers:
        _tell(item, answer)


def _person(session: Session, text: str) -> UUID:
    site, _, number = text.rpartition(":")
    if not site:
        try:
            return UUID(text)
        except ValueError as err:
            raise UserError(f"'{clean(text)}' is neither a person's id nor SITE:MOODLE_ID.", code=2) from err
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise UserError(f"'{clean(number)}' is not a Moodle user id.", code=2)
    site_id = find_site(session, site).id
    wanted = (Account.site_id == site_id, Account.moodle_user_id == int(number))
    found = session.scalar(select(Account.person_id).where(*wanted))
    if found is None:
        raise UserError(f"The site '{site}' has no account {number} that we know of.")
    return found


def _tell(item: ledger.Inputs, answer: ledger.Answer) -> None:
    standing = answer.standing
    program = newest(item.versions)
    band = f" of {hours(standing.band_min)}-{hours(standing.band_max or 0)}" if standing.band_min else ""
    title = (
        f"{program.program} {item.community.topic} {item.community.region}: {answer.role}, {answer.status};"
        f" {hours(standing.minutes)}{band}, {standing.status}"
    )
    if answer.lines:
        columns = ("when", "what", "h:mm", "component", "rule", "version", "why")
        table(clean(title), columns, [_cells(item, line) for line in answer.lines], right=("h:mm", "version"))
    else:
        say(clean(f"{title}. Nothing was achieved yet."))
    if item.membership.dirty_at:
        say("Something arrived that the ledger doesn't show yet; it will within seconds.")
    if standing.on_their_way:
        say(f"{counted(standing.on_their_way, 'line')} on the way.")


def _cells(item: ledger.Inputs, line: Line) -> tuple[object, ...]:
    data = _line(item, line)
    why = [str(data["why"] or "")]
    if line.fact and line.fact.ended and line.credit:
        why.append(ENDED[line.fact.ended])
    when = local(_when(line), item.community.timezone)
    what = " ".join(part for part in (str(data["what"]), f"({data['kind']})") if part)
    component, rule = data["component"] or "", data["rule"] or ""
    return when, what, hours(line.credit.minutes if line.credit else 0), component, rule, data["version"], " ".join(why)


def _when(line: Line) -> datetime:
    if line.credit:
        return line.credit.happened_at
    if line.fact is None:
        raise ValueError("a line has a fact or a credit")
    return line.fact.happened_at


def _line(item: ledger.Inputs, line: Line) -> dict[str, object]:
    fact, credit = line.fact, line.credit
    what = fact.session.title if fact and fact.session else fact.activity.name if fact and fact.activity else ""
    return {
        "kind": str(fact.kind) if fact else "adjustment",
        "what": what,
        "when": _when(line).isoformat(),
        "fact": fact.id if fact else None,
        "key": fact.key if fact else credit.key if credit else None,
        "decision": line.decision,
        "minutes": credit.minutes if credit else 0,
        "component": credit.component if credit else None,
        "rule": credit.rule if credit else line.params.get("rule"),
        "version": version_at(item.versions, _when(line)).number,
        "ended": fact.ended if fact else None,
        "nothing": line.nothing,
        "why": NOTHING[line.nothing] if line.nothing else None,
    }


def _as_data(item: ledger.Inputs, answer: ledger.Answer) -> dict[str, object]:
    standing = answer.standing
    return {
        "membership": item.membership.id,
        "community": item.community.id,
        "program": newest(item.versions).program,
        "topic": item.community.topic,
        "region": item.community.region,
        "role": answer.role,
        "status": answer.status,
        "standing": standing.status,
        "minutes": standing.minutes,
        "by_component": standing.by_component,
        "band": [standing.band_min, standing.band_max],
        "on_their_way": standing.on_their_way,
        "dirty": item.membership.dirty_at is not None,
        "lines": [_line(item, line) for line in answer.lines],
    }
