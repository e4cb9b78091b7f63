"""What each route answers each role, and which routes name something that lies in a scope."""

from records.actor import Role

SIGNED_OUT_GET, SIGNED_OUT = 303, 401
# What each route answers: (to nobody, to somebody without a role, to each role in scope). A form without
# its token is told 400: it got as far as the form.
# Whoever keeps the machine running has no business with people's hours.
PEOPLE = dict.fromkeys(Role, 200) | {Role.IT: 403}
ASKS = dict.fromkeys(Role, 403) | dict.fromkeys((Role.IT, Role.PROGRAM_ADMIN, Role.STAFF), 400)
RECORDS = dict.fromkeys(Role, 403) | dict.fromkeys((Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR), 200)
RECORDS_BY_FORM = {role: 400 if answer == 200 else answer for role, answer in RECORDS.items()}
DECIDES = RECORDS | {Role.FACILITATOR: 403}
DECIDES_BY_FORM = RECORDS_BY_FORM | {Role.FACILITATOR: 403}
MERGES = dict.fromkeys(Role, 403) | {Role.PROGRAM_ADMIN: 200}
MERGES_BY_FORM = dict.fromkeys(Role, 403) | {Role.PROGRAM_ADMIN: 400}
CONNECTS = dict.fromkeys(Role, 403) | dict.fromkeys((Role.IT, Role.PROGRAM_ADMIN), 200)
EXPECTED: dict[tuple[str, str], tuple[int, int, dict[Role, int]]] = {
    ("GET", "static"): (200, 200, dict.fromkeys(Role, 200)),
    ("GET", "bootstrap.static"): (200, 200, dict.fromkeys(Role, 200)),
    ("GET", "assets.htmx"): (200, 200, dict.fromkeys(Role, 200)),
    ("GET", "health.healthz"): (200, 200, dict.fromkeys(Role, 200)),
    ("GET", "sign_in.form"): (200, 200, dict.fromkeys(Role, 200)),
    ("POST", "sign_in.submit"): (400, 400, dict.fromkeys(Role, 400)),
    ("GET", "sign_in.setup_form"): (404, 404, dict.fromkeys(Role, 404)),
    ("POST", "sign_in.setup_submit"): (400, 400, dict.fromkeys(Role, 400)),
    ("POST", "sign_in.sign_out"): (401, 400, dict.fromkeys(Role, 400)),
    ("GET", "identify.begin"): (404, 404, dict.fromkeys(Role, 404)),
    ("GET", "identify.answer"): (404, 404, dict.fromkeys(Role, 404)),
    # A code, a token or a cookie shows who may check in; to have none, or one that isn't ours, is answered alike.
    ("GET", "arrive.scan"): (410, 410, dict.fromkeys(Role, 410)),
    ("GET", "arrive.enter"): (200, 200, dict.fromkeys(Role, 200)),
    ("POST", "arrive.enter_submit"): (400, 400, dict.fromkeys(Role, 400)),
    ("GET", "arrive.here"): (410, 410, dict.fromkeys(Role, 410)),
    ("POST", "arrive.arrived"): (400, 400, dict.fromkeys(Role, 400)),
    ("POST", "arrive.left"): (400, 400, dict.fromkeys(Role, 400)),
    ("POST", "arrive.forget"): (400, 400, dict.fromkeys(Role, 400)),
    ("GET", "arrive.personal"): (404, 404, dict.fromkeys(Role, 404)),
    # Sites show who they are by themselves; a sign-in is worth nothing there.
    ("POST", "intake.take_batch"): (401, 401, dict.fromkeys(Role, 401)),
    ("POST", "intake.take_event"): (401, 401, dict.fromkeys(Role, 401)),
    ("POST", "intake.take_statements"): (401, 401, dict.fromkeys(Role, 401)),
    ("GET", "intake.about"): (401, 401, dict.fromkeys(Role, 401)),
    ("POST", "intake.take_trigger"): (401, 401, dict.fromkeys(Role, 401)),
    ("GET", "board.show"): (303, 403, dict.fromkeys(Role, 200)),
    ("GET", "board.live"): (303, 403, dict.fromkeys(Role, 200)),
    ("GET", "freshness.live"): (303, 403, dict.fromkeys(Role, 200)),
    ("GET", "community.show"): (303, 403, PEOPLE),
    ("GET", "community.live"): (303, 403, PEOPLE),
    ("GET", "community.together"): (303, 403, PEOPLE),
    ("GET", "moodle.live"): (303, 403, PEOPLE),
    ("POST", "moodle.ask"): (401, 403, ASKS),
    ("GET", "plugin.show"): (303, 403, CONNECTS),
    ("GET", "plugin.download"): (303, 403, CONNECTS),
    ("GET", "person.show"): (303, 403, PEOPLE),
    ("GET", "person.live"): (303, 403, PEOPLE),
    ("GET", "merging.show"): (303, 403, MERGES),
    # Nobody can be merged into himself.
    ("GET", "merging.preview"): (303, 403, MERGES_BY_FORM),
    ("POST", "merging.carry_out"): (401, 403, MERGES_BY_FORM),
    # No merge has this id.
    ("GET", "merging.merged"): (303, 403, dict.fromkeys(Role, 403) | {Role.PROGRAM_ADMIN: 404}),
    ("POST", "merging.undo"): (401, 403, MERGES_BY_FORM),
    ("GET", "sessions.listed"): (303, 403, PEOPLE),
    ("GET", "sessions.show"): (303, 403, PEOPLE),
    ("GET", "sessions.new"): (303, 403, RECORDS),
    ("POST", "sessions.create"): (401, 403, RECORDS_BY_FORM),
    ("GET", "sessions.edit"): (303, 403, RECORDS),
    ("POST", "sessions.save"): (401, 403, RECORDS_BY_FORM),
    ("POST", "sessions.move"): (401, 403, RECORDS_BY_FORM),
    ("POST", "sessions.cancel"): (401, 403, RECORDS_BY_FORM),
    ("POST", "sessions.restore"): (401, 403, RECORDS_BY_FORM),
    # Its address is the key.
    ("GET", "calendars.feed"): (404, 404, dict.fromkeys(Role, 404)),
    ("POST", "calendars.renew"): (401, 403, RECORDS_BY_FORM),
    ("GET", "review.show"): (303, 403, DECIDES),
    ("GET", "review.conflicts"): (303, 403, DECIDES),
    ("POST", "review.decide"): (401, 403, DECIDES_BY_FORM),
    ("POST", "review.match"): (401, 403, DECIDES_BY_FORM),
    ("POST", "review.accept"): (401, 403, DECIDES_BY_FORM),
    ("POST", "review.dismiss"): (401, 403, DECIDES_BY_FORM),
    ("POST", "review.undo"): (401, 403, DECIDES_BY_FORM),
    ("GET", "check_in.show"): (303, 403, RECORDS),
    # Its check-in isn't open: nothing to show.
    ("GET", "check_in.code"): (303, 403, {role: 204 if answer == 200 else answer for role, answer in RECORDS.items()}),
    ("GET", "check_in.live"): (303, 403, RECORDS),
    ("POST", "check_in.begin"): (401, 403, RECORDS_BY_FORM),
    ("POST", "check_in.end"): (401, 403, RECORDS_BY_FORM),
    ("POST", "check_in.strike"): (401, 403, RECORDS_BY_FORM),
    ("POST", "check_in.let_in"): (401, 403, RECORDS_BY_FORM),
    ("POST", "check_in.links"): (401, 403, DECIDES_BY_FORM),
    ("GET", "imports.form"): (303, 403, RECORDS),
    ("POST", "imports.upload"): (401, 403, RECORDS_BY_FORM),
    ("GET", "imports.history"): (303, 403, RECORDS),
    ("GET", "imports.report"): (303, 403, RECORDS),
    # Nobody works on it: the page loads itself again.
    ("GET", "imports.live"): (303, 403, {role: 204 if answer == 200 else answer for role, answer in RECORDS.items()}),
    ("POST", "imports.look"): (401, 403, RECORDS_BY_FORM),
    ("POST", "imports.take"): (401, 403, RECORDS_BY_FORM),
    ("POST", "imports.undo"): (401, 403, RECORDS_BY_FORM),
    ("GET", "imports.rows"): (303, 403, RECORDS),
    ("GET", "roster.show"): (303, 403, RECORDS),
    ("GET", "roster.state"): (303, 403, RECORDS),
    ("POST", "roster.save"): (401, 403, RECORDS_BY_FORM),
    ("POST", "roster.walk_in"): (401, 403, RECORDS_BY_FORM),
    ("GET", "roster.sheet"): (303, 403, RECORDS),
    ("GET", "roster.quick"): (303, 403, RECORDS),
    ("POST", "roster.take_sheet"): (401, 403, RECORDS_BY_FORM),
    ("GET", "attendance_files.of_session"): (303, 403, PEOPLE),
    ("GET", "attendance_files.of_community"): (303, 403, PEOPLE),
}
# Which routes name something that lies in a scope.
SCOPED = (
    *("community.show", "community.live", "community.together", "moodle.live", "person.show", "person.live"),
    "merging.preview",
    *("check_in.show", "check_in.code", "check_in.live"),
    *("sessions.listed", "sessions.show", "sessions.new", "sessions.edit"),
    "review.conflicts",
    *("imports.form", "imports.history", "imports.report", "imports.live", "imports.rows"),
    *("attendance_files.of_session", "attendance_files.of_community"),
    *("roster.show", "roster.state", "roster.sheet", "roster.quick"),
)
