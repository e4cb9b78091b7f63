"""The names of Moodle's functions that this client has methods for."""

from enum import StrEnum


class Function(StrEnum):
    SITE_INFO = "core_webservice_get_site_info"
    ACTIVITY_COMPLETIONS = "core_completion_get_activities_completion_status"
