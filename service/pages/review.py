"""What waits for staff: people nobody knows, reports that disagree, oddities."""

from flask import Blueprint

blueprint = Blueprint("review", __name__)
