"""The token that comes in: what it may do, and until when. A client asks this first."""

from datetime import datetime

from pydantic import Field
from werkzeug.wrappers import Response

from service.api.answers import shown
from service.api.blueprint import read
from service.api.door import bearer
from service.api.wire import NoQuery, Told


class Grant(Told):
    """A role of the token's user, and how far it reaches."""

    role: str
    scope_kind: str = Field(description="`all`, `program`, `region` or `community`.")
    scope: str = Field(description="Empty for all, `<program>`, `<program>/<region>`, or a community's id.")


class Token(Told):
    """A token: never itself."""

    name: str
    scopes: list[str]
    expires_at: datetime
    grants: list[Grant]


@read("/token", Token, "token")
def token(query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """What the token may do, and until when."""
    found = bearer()
    grants = [Grant(role=each.role, scope_kind=each.scope_kind, scope=each.scope) for each in found.who.actor.grants]
    return shown(Token(name=found.name, scopes=sorted(found.scopes), expires_at=found.who.expires_at, grants=grants))
