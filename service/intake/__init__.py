"""What comes in from Moodle: one file per emitter, verified on the raw bytes, stored, answered. All else is a job's."""

from flask import Flask

from service.intake import local_webhooks, tool_trigger, wire, xapi
from service.intake.blueprint import Desk, intake
from service.intake.sites import Sites
from service.intake.store import Store

__all__ = ["intake", "local_webhooks", "register_intake", "tool_trigger", "wire", "xapi"]


def register_intake(app: Flask) -> None:
    """Add the webhook addresses to an app whose extensions hold a service.context.Context."""
    context = app.extensions["copbridge"]
    app.extensions["copbridge.intake"] = Desk(context, Sites(), Store(context.engine))
    app.register_blueprint(intake)
