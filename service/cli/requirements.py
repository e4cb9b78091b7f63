"""`copbridge requirements`: what organisations and a program have to reach, and how far they are."""

from typing import Annotated

import typer

from records.queries.together import Standing, of_whole_program
from records.standings import outcome_as_data
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, say, say_json, table
from service.explanations import requirement
from service.sentences import Teller, notice_status

LANGUAGE = "en"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(requirements)


def requirements(
    program: Annotated[str, typer.Argument(help="The program's code.", metavar="PROGRAM")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """List what each organisation of a program, and the program itself, has to reach, and what is missing."""
    with records() as opened, opened.transaction() as session:
        found = of_whole_program(session, program, opened.now())
    if found is None:
        raise UserError(f"There is no program '{clean(program)}'.")
    teller = Teller(found.program, found.timezone, LANGUAGE)
    if as_json:
        say_json({"program": found.program.program, "subjects": [_as_data(teller, each) for each in found.subjects]})
        return
    rows = [row for each in found.subjects for row in _rows(teller, each)]
    guidelines = [row for each in found.subjects for row in _guidelines(teller, each)]
    if not rows and not guidelines:
        say(f"The program {found.program.program} asks nothing of organisations or of itself.")
    if rows:
        table("Requirements", ("of", "requirement", "status", "have", "missing", "due"), rows)
    if guidelines:
        table("Guidelines", ("of", "guideline", "status", "what there is"), guidelines)


def _name(subject: Standing) -> str:
    return f"{subject.code} {subject.name}".strip() if subject.kind == "organisation" else "the program"


def _rows(teller: Teller, subject: Standing) -> list[tuple[object, ...]]:
    told = (requirement(outcome, teller, {}) for outcome in subject.together.outcomes)
    return [(_name(subject), t.title, t.words, t.have, t.missing, t.due) for t in told]


def _guidelines(teller: Teller, subject: Standing) -> list[tuple[object, ...]]:
    return [
        (_name(subject), teller.notice(n.notice), notice_status(n.status), teller.noticed(n))
        for n in subject.together.notices
    ]


def _as_data(teller: Teller, subject: Standing) -> dict[str, object]:
    return {
        "kind": subject.kind,
        "code": subject.code,
        "name": subject.name,
        "requirements": [
            outcome_as_data(outcome) | {"title": told.title, "words": told.missing}
            for outcome in subject.together.outcomes
            for told in (requirement(outcome, teller, {}),)
        ],
        "guidelines": [
            {
                "notice": n.notice,
                "title": teller.notice(n.notice),
                "status": n.status,
                "words": teller.noticed(n),
                "params": n.params,
            }
            for n in subject.together.notices
        ],
    }
