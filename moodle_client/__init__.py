"""A typed client of Moodle's web services. It knows nothing of communities of practice."""

from moodle_client.answers import Reply
from moodle_client.capabilities import FIELD_NEEDS, NEEDS, Lack, lacks, visible_fields
from moodle_client.client import MoodleClient
from moodle_client.errors import MoodleError, PartialFailure, Reason, Warned
from moodle_client.functions import Function, Repeat
from moodle_client.models import (
    ActivityCompletion,
    CallersCompletion,
    Category,
    Course,
    CourseModule,
    EnrolledUser,
    FunctionInfo,
    Group,
    Grouping,
    GroupOfUser,
    Module,
    NewCategory,
    NewCourse,
    NewUser,
    Override,
    Role,
    Section,
    SiteInfo,
    User,
    UserCourse,
)
from moodle_client.pace import Pace

__all__ = [
    "FIELD_NEEDS",
    "NEEDS",
    "ActivityCompletion",
    "CallersCompletion",
    "Category",
    "Course",
    "CourseModule",
    "EnrolledUser",
    "Function",
    "FunctionInfo",
    "Group",
    "GroupOfUser",
    "Grouping",
    "Lack",
    "Module",
    "MoodleClient",
    "MoodleError",
    "NewCategory",
    "NewCourse",
    "NewUser",
    "Override",
    "Pace",
    "PartialFailure",
    "Reason",
    "Repeat",
    "Reply",
    "Role",
    "Section",
    "SiteInfo",
    "User",
    "UserCourse",
    "Warned",
    "lacks",
    "visible_fields",
]
