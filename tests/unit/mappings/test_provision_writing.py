"""What the wizard writes is read back as it was chosen, whatever was typed."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.findings import ProgramError
from mappings.provision_loading import parse_provision
from mappings.provision_writing import Written, provision_text
from mappings.source import read

CODES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,10}\Z")
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="{}"), min_size=1)
ANY = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))
TYPED = Written(
    provision="fall",
    site="main",
    program="calpro-regional",
    term="26F",
    term_title="Fall: 2026 #1",
    template="TEMPLATE",
    fullname='"{topic_title}" - {region_title}',
    shortname="{topic}-{region}-{term}",
    idnumber="COP-{topic}-{region}-{term}",
    categories=[("CALPRO: all", "CALPRO")],
    starts="2026-09-01",
    ends="2026-12-18",
    topics=["MATH", "on", "1e3", "007"],
    regions="all",
    people=["people, fall.csv"],
    welcome="Hello: you\n\n  - are in {topic}\n# welcome",
)


def test_what_is_chosen_is_read_back() -> None:
    provision, _ = parse_provision(provision_text(TYPED))
    assert provision.matrix
    assert provision.naming
    assert provision.people
    assert (provision.matrix.topics, provision.matrix.regions) == (("MATH", "on", "1e3", "007"), "all")
    assert provision.naming.fullname == TYPED.fullname
    assert (provision.starts, provision.ends) == (date(2026, 9, 1), date(2026, 12, 18))
    assert provision.people.files == ("people, fall.csv",)
    assert provision.welcome == TYPED.welcome
    assert provision.term.title == "Fall: 2026 #1"


def test_a_day_that_is_none_is_told_with_its_line() -> None:
    written = Written(**{name: getattr(TYPED, name) for name in TYPED.__slots__} | {"starts": "1 September"})
    with pytest.raises(ProgramError) as err:
        parse_provision(provision_text(written))
    assert [(one.line, one.place) for one in err.value.findings] == [(16, "starts")]


@settings(deadline=None, max_examples=60)
@given(term=CODES, title=LINES, name=LINES, file=LINES, welcome=ANY)
def test_whatever_is_typed_is_text(term: str, title: str, name: str, file: str, welcome: str) -> None:
    typed = {"term": term, "term_title": title, "fullname": name, "people": [file], "welcome": welcome}
    written = Written(**{name: getattr(TYPED, name) for name in TYPED.__slots__} | typed)
    data = read(provision_text(written), "typed").data
    assert data["term"] == {"code": term, "title": title}
    assert data["naming"]["fullname"] == name
    assert data["people"]["files"] == [file]
    assert data.get("welcome", "") == welcome
