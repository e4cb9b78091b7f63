"""What gunicorn loads: `service.wsgi:build()`."""

from flask import Flask

from records.settings import Settings
from service.app import create_app


def build() -> Flask:
    """The application with its settings from the environment; one for each web process."""
    return create_app(Settings.model_validate({}))
