"""The check-in of a session as the facilitator sees it: the code on the screen, who came, and the end."""

from flask import Blueprint

blueprint = Blueprint("check_in", __name__)
