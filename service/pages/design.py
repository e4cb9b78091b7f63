"""The pieces that pages are made of, each seen once: for whoever works on them, and for tests of how they look."""

from flask import Blueprint, g, render_template

from mappings.standing import Status
from records.queries.community import Earning
from service.pages.bars import bar, patterns

blueprint = Blueprint("design", __name__)
COLOURS = (
    *("ink", "ink-soft", "line", "field-line", "ground", "card", "group-ground", "brand", "brand-deep", "good"),
    *("warn", "warn-ground", "warn-line", "warn-tag", "notice-ground", "notice-line", "tag-ground", "track", "band"),
)
COMPONENTS = ("online", "face_to_face", "virtual", "implementation", "mentoring")
BAND = (960, 1200)
SCALE = 1500
EARNINGS = (Earning("online-module", 90, "online"), Earning("", 60, "virtual", from_moodle=True), None)
SUMS = {"behind": 12, "cannot_reach": 3}
NAMELESS = {"name": "", "account": 4711}
NAMES = ("Lu", "Wolfeschlegelsteinhausenbergerdorff-Hernández Montoya-Villavicencio", "مريم الأنصاري")


@blueprint.get("/design")
def show() -> str:
    """Every piece."""
    drawn = patterns(COMPONENTS)
    minutes = dict(zip(drawn, (270, 400, 180, 120, 60), strict=False))
    return render_template(
        "design.html",
        who=g.signed_in,
        colours=COLOURS,
        drawn=drawn,
        bars=[bar(dict(list(minutes.items())[:n]), drawn, SCALE, BAND) for n in range(len(drawn) + 1)],
        band=BAND,
        statuses=list(Status),
        names=NAMES,
        earnings=EARNINGS,
        sums=SUMS,
        nameless=NAMELESS,
    )
