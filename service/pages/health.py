"""Is this process able to serve: for load balancers and supervisors."""

from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.context import context

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the database answers, else 503. Redis is no reason to turn events away."""
    try:
        with context().engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return Response("unavailable\n", 503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")
