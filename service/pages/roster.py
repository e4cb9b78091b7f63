"""The roster of a session, for a phone: who was there, with the exceptions; the sheet to print, and its quick entry."""

from flask import Blueprint

blueprint = Blueprint("roster", __name__)
