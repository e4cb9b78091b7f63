"""Sessions of a community: the list, the form, one session with its history."""

from flask import Blueprint

blueprint = Blueprint("sessions", __name__)
