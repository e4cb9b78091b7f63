"""Take erased people out of a large inbox, as long work: whoever erased somebody sees how far it is."""

from sqlalchemy.orm import Session

from jobs.runtime import current
from jobs.work import Work
from records import forgotten

KIND = "redact_inbox"


def redact(work: Work) -> None:
    """Look through the whole inbox. What it did stays done when it is interrupted: begun anew it finds the rest."""
    key = current().settings.encryption_key
    with Session(work.engine) as session:
        total = forgotten.count_items(session)
    done = 0
    # In one turn: whoever carries on would look at everything again.
    for looked_at, _hit in forgotten.redact_inbox(work.engine, key):
        done += looked_at
        work.beat(min(done, total), total)
    with Session(work.engine) as session, session.begin():
        work.end(session)
