"""Two people who are one: what a merge would change, the merge, and its undoing."""

from flask import Blueprint

blueprint = Blueprint("merging", __name__)
