"""Where participants say that they want no more messages, or want them again. The link in a message is all it takes:
no sign-in, no cookie.

It answers the same whether it knows the link or not: nobody learns whose it is.
"""

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from records import opt_outs
from service.context import context

blueprint = Blueprint("opt_out", __name__)
NOT_OF_IT = ">)].,;:!?'\" "
"""What mail programs take for the end of a link."""


@blueprint.get("/stop/<token>")
def show(token: str) -> str:
    """Ask once: a mail program that looks at links ahead of its reader opts nobody out."""
    return render_template("opt_out.html", token=token, said="")


@blueprint.post("/stop/<token>")
def stop(token: str) -> str:
    """Opt out, or have messages sent again; also what a mail program's own button posts to (RFC 8058), which follows
    no redirect."""
    here, again = context(), "again" in request.form
    with Session(here.engine) as session, session.begin():
        opt_outs.by_link(session, here.settings.secret_key, token.rstrip(NOT_OF_IT), again=again)
    return render_template("opt_out.html", token=token, said="again" if again else "none")
