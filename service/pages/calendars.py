"""A community's sessions as a calendar feed, at an address that only who was given it knows."""

from flask import Blueprint

blueprint = Blueprint("calendars", __name__)
