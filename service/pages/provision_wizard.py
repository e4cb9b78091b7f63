"""A provision file without YAML: what a term's communities are, asked in a form that writes the file."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, abort, g, render_template, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from jobs.provision.opening import program_in_force
from jobs.provision.plan import InTheWay
from mappings.program import Program
from mappings.provision_writing import Written, provision_text
from mappings.provisioning import NAMES
from records.queries import provisioning as queries
from service import provision_console_words as words
from service.access import actor
from service.pages import provisioning as files
from service.pages.live import reading
from service.pages.provision_edit import Page, looked_at
from service.pages.provision_text import Checked, checked
from service.pages.titles import program_title, region_title, topic_title

blueprint = Blueprint("provision_wizard", __name__)
blueprint.before_request(files.reaches_all)
PREFILLED: Mapping[str, str] = {
    "fullname": "{topic_title}: {region_title} ({term_title})",
    "shortname": "{topic}-{region}-{term}",
    "idnumber": "COP-{topic}-{region}-{term}",
    "category2": "{term_title}",
    "category2_id": "{program}-{term}",
}
EXAMPLES = 3


@blueprint.get("/provisioning/wizard")
def form() -> str:
    """Ask for what the file needs; `program`: whose topics and regions there are to choose from."""
    return _page(MultiDict(), None)


@blueprint.post("/provisioning/wizard")
def write() -> Page:
    """Show what the courses would be called, or write the file and look at it."""
    typed = request.form
    with reading() as session:
        found = checked(session, provision_text(_written(typed)))
    if typed.get("do") == "example" or found.faults:
        return _page(typed, found), HTTPStatus.BAD_REQUEST if typed.get("do") != "example" else HTTPStatus.OK
    return looked_at(found)


def _written(typed: MultiDict[str, str]) -> Written:
    def said(name: str) -> str:
        return " ".join(typed.get(name, "").split())

    steps = [(said(name), said(f"{name}_id")) for name in ("category", "category2")]
    return Written(
        provision=said("code"),
        site=said("site"),
        program=said("program"),
        term=said("term"),
        term_title=said("title"),
        template=said("template"),
        fullname=said("fullname"),
        shortname=said("shortname"),
        idnumber=said("idnumber"),
        categories=[step for step in steps if any(step)],
        starts=said("starts"),
        ends=said("ends"),
        topics="all" if typed.get("topics_which") == "all" else typed.getlist("topics"),
        regions="all" if typed.get("regions_which") == "all" else typed.getlist("regions"),
        people=[name for line in typed.get("people", "").splitlines() if (name := line.strip())],
        welcome=typed.get("welcome", "").replace("\r\n", "\n").strip(),
    )


def _page(typed: MultiDict[str, str], found: Checked | None) -> str:
    with reading() as session:
        programs = queries.programs(session, actor())
        code = typed.get("program") or request.args.get("program") or next(iter(programs), "")
        if code and code not in programs:
            abort(404)
        program = _program(session, code) if code else None
        sites = queries.sites(session, actor())
    faults = list(found.faults) if found else []
    return render_template(
        "provision_wizard.html",
        who=g.signed_in,
        programs=programs,
        program=program,
        sites=sites,
        typed=typed if found else MultiDict({**PREFILLED, "topics_which": "all", "regions_which": "all"}),
        faults=faults,
        shown=bool(found) and typed.get("do") == "example",
        examples=found.wanted[:EXAMPLES] if found else (),
        count=len(found.wanted) if found else 0,
        names=NAMES,
        topics=[(one.code, topic_title(program, one.code)) for one in program.topics] if program else [],
        regions=[(one.code, region_title(program, one.code)) for one in program.regions] if program else [],
        title_of=program_title,
        program_choices=[(code, code) for code in programs],
        words=words,
    )


def _program(session: Session, code: str) -> Program | None:
    try:
        return program_in_force(session, code)
    except InTheWay:
        return None
