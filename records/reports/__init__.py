"""Attendance reports as Zoom, Microsoft Teams and Google Meet export them: who was there, from when until when.

`read(data, format=..., zone=...)` gives a Report; `detect(data)` names the format or None.
"""

from records.reports.reading import FORMATS, detect, read
from records.reports.report import Report, ReportPerson

__all__ = ["FORMATS", "Report", "ReportPerson", "detect", "read"]
