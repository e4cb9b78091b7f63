"""Commands of `copbridge` that pages name for IT staff: ready to paste."""

import shlex


def doctor(site: str) -> str:
    """Looks at how a site is connected."""
    return f"copbridge doctor {shlex.quote(site)}"


def new_token(site: str) -> str:
    """Gives a site another web-services token."""
    return f"copbridge site secret add {shlex.quote(site)} --purpose web_services --from-stdin"


def they_are_gone(community: str) -> str:
    """Sweeps a community whose people have really left."""
    return f"copbridge sweep --community {shlex.quote(community)} --gone"
