"""What the site holds at first: one topic as a Community of Practice in two regions."""

from __future__ import annotations

from typing import NamedTuple


class Activity(NamedTuple):
    """A course module: `tracking` 1 is ticked by hand, 2 completes by a rule of its kind."""

    section: int
    idnumber: str
    modname: str
    tracking: int
    name: str


class Region(NamedTuple):
    """A course and its people; the facilitator is an editing teacher."""

    course: int
    shortname: str
    idnumber: str
    fullname: str
    category: str
    category_idnumber: str
    facilitator: int


class Person(NamedTuple):
    """An account and the courses in which it takes part as a student."""

    first: str
    last: str
    city: str
    agency: str
    courses: tuple[int, ...]


TOPIC = "Evidence-Based Writing Instruction for ESL"

SECTIONS = ("General", "Before session 1", "Between sessions", "Following session 2")

ACTIVITIES = (
    Activity(0, "", "forum", 0, "Announcements"),
    Activity(1, "ACT-01", "page", 2, "Read: What is evidence-based writing instruction?"),
    Activity(1, "ACT-02", "url", 2, "Research brief: adult ESL writers"),
    Activity(1, "ACT-03", "forum", 2, "Introduce your program and your learners"),
    Activity(1, "F2F-1", "page", 1, "Face-to-face session 1 (Saturday, 4 hours)"),
    Activity(2, "ACT-04", "resource", 2, "Lesson plan template"),
    Activity(2, "ACT-05", "lesson", 2, "Scaffolding a paragraph, step by step"),
    Activity(2, "ACT-06", "quiz", 2, "Check your knowledge: purpose and genre"),
    Activity(2, "ACT-07", "glossary", 2, "Shared glossary: add one term"),
    Activity(2, "ACT-08", "page", 1, "Reading log (mark it yourself)"),
    Activity(2, "ACT-09", "forum", 2, "Peer reflection on a tried-out lesson"),
    Activity(2, "F2F-2", "page", 1, "Face-to-face session 2 (Saturday, 4 hours)"),
    Activity(3, "ACT-10", "assign", 2, "Action plan"),
    Activity(3, "ACT-11", "feedback", 2, "Evaluation of the community"),
    Activity(3, "ACT-12", "choice", 2, "Choose a study circle for next term"),
    Activity(0, "ORIENT", "page", 2, "Orientation: how to find your way in Moodle"),
)

COURSE_CRITERIA = ("F2F-1", "F2F-2", "ACT-10", "ACT-12")
"""The activities that complete the course when all of them are complete."""

BAY, LOS_ANGELES = 2, 3

REGIONS = (
    Region(BAY, "EBWIESL-BAY", "COP-EBWIESL-BAY", f"{TOPIC}: Bay Area", "Bay Area", "COP-BAY", 5),
    Region(LOS_ANGELES, "EBWIESL-LA", "COP-EBWIESL-LA", f"{TOPIC}: Los Angeles", "Los Angeles", "COP-LA", 6),
)

STAFF = (
    (2, "admin", "Site", "Administrator", "Sacramento"),
    (3, "svcbridge", "Service", "Bridge", "Sacramento"),
    (5, "f0001", "Marisol", "Echeverría", "Oakland"),
    (6, "f0002", "Terrence", "Whitfield", "Los Angeles"),
)
ADMIN, SERVICE = 2, 3
SECOND_SERVICE = 4
"""A service account with fewer capabilities; it is made when asked for."""
PROVISIONER = 7
"""The service account that sets up courses; it is made when asked for."""

FIRST_PARTICIPANT = 11

PEOPLE = (
    Person("Amara", "Okafor", "Oakland", "Oakland Adult School", (BAY,)),
    Person("Hao", "Nguyen", "San José", "East Side Adult Education", (BAY,)),
    Person("Leticia", "Barragán", "Hayward", "Hayward Adult School", (BAY,)),
    Person("Samuel", "Goldfarb", "Berkeley", "Berkeley Adult School", (BAY,)),
    Person("Priya", "Raghunathan", "Fremont", "Fremont Adult School", (BAY, LOS_ANGELES)),
    Person("Dmitri", "Volkov", "San Francisco", "Mission Language Center", (BAY,)),
    Person("Keoni", "Kealoha", "Richmond", "West Contra Costa Adult Education", (BAY,)),
    Person("Fatima", "Haidari", "Concord", "Mt. Diablo Adult Education", (BAY,)),
    Person("Grace", "Lindqvist", "San Mateo", "San Mateo Adult School", (BAY,)),
    Person("Jorge", "Villaseñor", "Oakland", "Oakland Adult School", (BAY,)),
    Person("Mei-Ling", "Chao", "San Francisco", "Mission Language Center", (BAY,)),
    Person("Denise", "Abernathy", "Vallejo", "Vallejo Regional Education Center", (BAY,)),
    Person("Ricardo", "Montes de Oca", "Los Angeles", "Evans Community Adult School", (3,)),
    Person("Yuki", "Tanabe", "Torrance", "Torrance Adult School", (LOS_ANGELES,)),
    Person("Araceli", "Ponce", "El Monte", "El Monte Adult Education", (LOS_ANGELES,)),
    Person("Desmond", "Achebe", "Inglewood", "Inglewood Adult School", (LOS_ANGELES,)),
    Person("Nune", "Hovsepyan", "Glendale", "Glendale Adult Education", (LOS_ANGELES,)),
    Person("Carlos", "Iriarte", "Long Beach", "Long Beach School for Adults", (LOS_ANGELES,)),
    Person("Tamika", "Broussard", "Compton", "Compton Adult School", (LOS_ANGELES,)),
    Person("Soo-Jin", "Bae", "Los Angeles", "Evans Community Adult School", (LOS_ANGELES,)),
    Person("Patrick", "O'Dowd", "Pasadena", "Pasadena Adult Education", (LOS_ANGELES,)),
    Person("Marisela", "Quintanilla", "Whittier", "Whittier Adult School", (LOS_ANGELES,)),
    Person("Farzad", "Moradi", "Van Nuys", "Van Nuys Community Adult School", (LOS_ANGELES,)),
    Person("Ingrid", "Castellanos", "Pomona", "Pomona Adult School", (LOS_ANGELES,)),
)

ROLES = (
    (1, "manager"),
    (2, "coursecreator"),
    (3, "editingteacher"),
    (4, "teacher"),
    (5, "student"),
    (6, "guest"),
)
EDITING_TEACHER, STUDENT = 3, 5

GROUPS = ("County partners", "Program leads")
GROUPING, GROUPING_IDNUMBER = "Working groups", "WORKING"
"""Both groups of a course are in it."""
