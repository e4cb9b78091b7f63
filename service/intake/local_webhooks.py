"""The existing plugin local_webhooks: one event a request, get_data() with a shared token in the body.

It posts from within Moodle's transaction, also what is rolled back afterwards, without id or signature:
so the key is a hash of the event, and its facts are provisional until a reading confirms them.
Source: recorded requests of version 4.0.0-rc.2.
"""

from flask import Response

from records.secrets import Purpose
from service.intake.blueprint import Refused, answer, body, desk, intake, parse_json
from service.intake.sites import shows_secret
from service.intake.wire import Sorted, deliver, hold_back, sort_out

ADDED = ("host", "token", "extra")
"""What the plugin puts beside get_data(); none of it is stored."""


@intake.post("/webhooks/<slug>/local_webhooks")
def take_event(slug: str) -> Response:
    """Size, shape, token (it is in the body), store, wake, answer."""
    here = desk()
    data = body()
    site = here.sites.get(here.context, slug)
    try:
        sent = parse_json(data)
    except Refused:
        # Who can't show a token isn't told what is wrong with the body.
        raise Refused(401) from None
    token = sent.get("token")
    if not shows_secret(site, Purpose.LOCAL_WEBHOOKS, token if isinstance(token, str) else "") or site is None:
        raise Refused(401)
    event = {name: value for name, value in sent.items() if name not in ADDED}
    items = [Sorted.unnamed("events/0", event)]
    sort_out(items, here.context.clock())
    hold_back(here.context.engine, site, items)
    deliver(here, site, "local_webhooks", items)
    return answer([{"item": i.name, "id": i.item_id, "result": i.result, "reason": i.reason} for i in items])
