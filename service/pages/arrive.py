"""The check-in as a participant sees it, from the code or from a personal link to the answer."""

from flask import Blueprint

blueprint = Blueprint("arrive", __name__)
