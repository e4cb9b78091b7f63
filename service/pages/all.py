"""Every module of pages; each brings one blueprint."""

from types import ModuleType

from service.pages import (
    arrive,
    assets,
    attendance_files,
    board,
    calendars,
    check_in,
    community,
    freshness,
    health,
    identify,
    imports,
    merging,
    moodle,
    person,
    plugin,
    review,
    roster,
    sessions,
    sign_in,
)

PAGES: tuple[ModuleType, ...] = (
    arrive,
    assets,
    attendance_files,
    board,
    calendars,
    check_in,
    community,
    freshness,
    health,
    identify,
    imports,
    merging,
    moodle,
    person,
    plugin,
    review,
    roster,
    sessions,
    sign_in,
)
