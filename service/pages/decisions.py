"""Everything that was decided, as far as one's scope reaches, with what it moved."""

from uuid import UUID

from flask import Blueprint, abort, g, render_template, request, url_for

from records.decisions import Kind
from records.queries import decided
from records.queries.decided import Asked
from service import session_words
from service.access import actor
from service.pages import act_words
from service.pages.live import reading
from service.pages.titles import program_title, region_title, topic_title

blueprint = Blueprint("decisions", __name__)
SHOWN = 50


@blueprint.get("/decisions")
def listed() -> str:
    """The decisions, the latest first."""
    asked, after = Asked.of(request.args), _after()
    with reading() as session:
        found = decided.page(session, actor(), asked, limit=SHOWN, after=after)
        people = decided.who_decided(session, actor())
        programs = decided.programs(session, actor())
    onward = {"after": found.after, **asked.values()}
    return render_template(
        "decisions.html",
        who=g.signed_in,
        lines=found.lines,
        asked=asked,
        kinds=[(kind.value, act_words.kind(kind)) for kind in Kind],
        people=[(actor_name, session_words.by(name)) for actor_name, name in people.items()],
        programs=[(program.program, program_title(program)) for program in programs],
        onward=url_for("decisions.listed", **onward) if found.after else "",  # type: ignore[arg-type]
        back=url_for("decisions.listed", **asked.values()) if after else "",  # type: ignore[arg-type]
        words=act_words,
        topic_title=topic_title,
        region_title=region_title,
    )


def _after() -> UUID | None:
    text = request.args.get("after", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)
