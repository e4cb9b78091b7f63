"""The API's resources, a module for each sort; importing this puts all their routes on the blueprint."""

from service.api.blueprint import blueprint
from service.api.resources import adjustments, attendance, communities, memberships, operations, people, sessions, token

__all__ = [
    "adjustments",
    "attendance",
    "blueprint",
    "communities",
    "memberships",
    "operations",
    "people",
    "sessions",
    "token",
]
