"""Answers as models: unknown fields are let through, ids may come as integers or strings."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FunctionInfo(Answer):
    name: str
    version: str


class SiteInfo(Answer):
    sitename: str
    siteurl: str
    userid: int
    release: str = ""
    version: str = ""
    functions: tuple[FunctionInfo, ...] = ()


class ActivityCompletion(Answer):
    """One tracked activity of one user. Activities that the caller can't see are silently left out by Moodle."""

    cmid: int
    modname: str
    state: int
    """0 incomplete, 1 complete, 2 complete with a passing grade, 3 complete with a failing grade."""
    timecompleted: int
    """Unix seconds at which the row last changed, ALSO while incomplete; 0: it never did. Use `changed_at`."""
    tracking: int
    overrideby: int | None = None

    @property
    def changed_at(self) -> datetime | None:
        return datetime.fromtimestamp(self.timecompleted, UTC) if self.timecompleted else None

    @property
    def exists(self) -> bool:
        """Whether there is anything to know: an answer for a row that isn't there says state 0 at time 0."""
        return bool(self.state or self.timecompleted)


class ActivityCompletions(Answer):
    statuses: tuple[ActivityCompletion, ...]
