"""A typed client of Moodle's web services. It knows nothing of communities of practice."""

from moodle_client.client import MoodleClient
from moodle_client.errors import MoodleError, Reason
from moodle_client.functions import Function
from moodle_client.models import ActivityCompletion, SiteInfo

__all__ = ["ActivityCompletion", "Function", "MoodleClient", "MoodleError", "Reason", "SiteInfo"]
