"""Files of attendance: uploaded, looked at, taken in with progress, and undone."""

from flask import Blueprint

blueprint = Blueprint("imports", __name__)
