"""Words of the pages on which decisions are taken: their forms, and why something can't be decided."""

from records.bulk import AT_ONCE, LeftOut
from records.deciding import MAX_MINUTES, DecisionError
from records.decision_faults import Why
from records.decisions import Kind
from records.queries.decided import Line
from service import decided_words, sentences, session_words, wording
from service.i18n import N_, _

FAULTS = {
    Why.NO_REASON: N_("Say why: it is kept with the decision."),
    Why.NOT_THERE: N_("It isn't there any more."),
    Why.BUSY: N_("Somebody else is changing this person just now: try again."),
    Why.AMOUNT: N_("Give an amount from 1 minute to %(most)s hours."),
    Why.COMPONENT: N_("The program doesn't count hours in that: choose another one of the list."),
    Why.AHEAD: N_("That day has yet to come: hours are reported afterwards."),
    Why.EVIDENCE: N_("The link has to begin with https:// and hold no blank, user name or password."),
    Why.OWN: N_("You entered it yourself: somebody else has to approve it."),
    Why.UNDONE: N_("It was taken back already."),
    Why.APPROVED: N_("It is approved already. Take the approval back first."),
    Why.COUNTS: N_("It needs no approval: it counts."),
    Why.NOT_ASKED: N_("The program doesn't ask that here: choose another one of the list."),
    Why.STANDS: N_("That was decided before. Take that decision back first."),
    Why.PROGRAM: N_("Both communities have to be of one program: hours of one don't count in another."),
    Why.SAME: N_("Choose another community."),
    Why.ONE_PERSON: N_("Both have to be of one person."),
    Why.GOES_ON: N_("Those hours go on in a community already. Take that transfer back first."),
    Why.CIRCLE: N_("The other one goes on in this one already: transfers can't go round in a circle."),
    Why.BELOW_ZERO: N_("It takes away more hours than there are: a total would be less than nothing."),
    Why.ELSEWHERE: N_("It can't be taken back here."),
    Why.OTHER: N_("It can't be decided so. Look at the page again."),
}
FIELDS = {
    Why.NO_REASON: "reason",
    Why.AMOUNT: "minutes",
    Why.COMPONENT: "component",
    Why.AHEAD: "day",
    Why.EVIDENCE: "link",
    Why.NOT_ASKED: "code",
    Why.STANDS: "code",
    Why.PROGRAM: "source",
    Why.SAME: "source",
    Why.ONE_PERSON: "source",
    Why.GOES_ON: "source",
    Why.CIRCLE: "source",
}
"""The field that a fault is told beside."""
LEFT_OUT = {
    LeftOut.NOT_A_PARTICIPANT: N_("not a participant"),
    LeftOut.LEFT: N_("has left the community"),
    LeftOut.MERGED: N_("is another person by now: choose that one"),
    LeftOut.COMPONENT: N_("the program has no such component"),
    LeftOut.NOT_ASKED: N_("the program doesn't ask this"),
    LeftOut.STANDS: N_("is waived already"),
}
ACTS = {
    "adjust": N_("Adjust hours"),
    "report": N_("Enter hours that were reported"),
    "waive": N_("Waive a requirement"),
    "explain": N_("Record a rationale"),
    "transfer": N_("Bring hours along from another community"),
}
SUBJECTS = {
    "community": N_("Community"),
    "team": N_("Team"),
    "organisation": N_("Organisation"),
    "program": N_("Program"),
}
TOO_MANY = N_("That is more than %(most)s people at once. Choose fewer, such as one community after the other.")
UNDONE_WHY = N_("Taken back right after it was decided.")
UNDOABLE = frozenset({Kind.ADJUSTMENT, Kind.SELF_REPORT, Kind.APPROVAL, Kind.WAIVER, Kind.RATIONALE, Kind.TRANSFER})
"""What may be taken back here: the rest is where it was decided."""
KINDS, kind, state = decided_words.KINDS, decided_words.kind, decided_words.state
signed, described = decided_words.signed, decided_words.described
"""For the templates, which are given one set of words."""


def by(line: Line) -> str:
    """Who decided."""
    return session_words.by(line.by)


def fault(err: DecisionError) -> str:
    """Why something can't be decided, and what to do."""
    if err.why is Why.AMOUNT:
        return _(FAULTS[err.why], most=MAX_MINUTES // wording.MINUTES)
    return _(FAULTS[err.why])


def too_many() -> str:
    """That fewer have to be chosen."""
    return _(TOO_MANY, most=AT_ONCE)


def left_out(why: LeftOut) -> str:
    """Why nothing is decided about somebody."""
    return _(LEFT_OUT[why])


def what(line: Line) -> str:
    """What was decided, in short: +1 h 30 min online."""
    return described(line.row.kind, line.row.data, line.about.program, line.timezone)


def requirement_status(status: str) -> str:
    """How a requirement or guideline stands, in words; nothing for what nobody computed."""
    for table in (sentences.OUTCOMES, sentences.NOTICES):
        for code, text in table.items():
            if code == status:
                return _(text)
    return ""
