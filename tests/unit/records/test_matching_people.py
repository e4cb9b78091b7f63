"""How names are alike: what is suggested to staff, with its reason; never a match by itself."""

import pytest

from records.matching_people import Reason, Who, alike_names, suggested
from records.models import Account, uuid7


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Maria Garcia", "MARÍA  GARCÍA", Reason.SAME_NAME),
        ("Søren Łuk", "soren luk", Reason.SAME_NAME),
        ("Maria (she/her) Garcia", "María García", Reason.SAME_NAME),
        ("García, María", "Maria Garcia", Reason.TURNED_NAME),
        ("O'Brien Pat", "Pat O\u2019Brien", Reason.TURNED_NAME),
        ("Mia García", "María (Mia) García", Reason.NICKNAME),
        ("Maria [Mia] Garcia", "Mia Garcia", Reason.NICKNAME),
        ("Mei (Mei-Ling Chao)", "Mei-Ling Chao", Reason.NICKNAME),
        ("Mei (she/her) (Mei-Ling Chao)", "Chao, Mei-Ling", Reason.NICKNAME),
        ("Mei (she/her)", "Ann (she/her) Lee", None),
        ("Mei (Mei-Ling Chao)", "Mei Ross", None),
        ("Jon Smith", "John Smith", Reason.SIMILAR_NAME),
        ("Smyth Johanna", "Johanna Smith", Reason.SIMILAR_NAME),
        ("Ann Lee", "Bob Ross", None),
        ("iPhone", "Maria Garcia", None),
        ("", "Maria Garcia", None),
        ("(she/her)", "Maria Garcia", None),
    ],
)
def test_how_names_are_alike(one: str, other: str, reason: Reason | None) -> None:
    assert alike_names(one, other) == reason
    assert alike_names(other, one) == reason


def test_the_likeliest_come_first_with_every_reason() -> None:
    names = [("Jon", "Smith", "jsmith@x.org"), ("John", "Smith", "other@x.org"), ("Ann", "Lee", "ann@x.org")]
    people = [Account(id=uuid7(), firstname=f, lastname=n, email=mail) for f, n, mail in names]
    found = suggested(people, Who(name="John Smith", email="JSmith@school.org"))
    assert [(one.account_id, one.reasons) for one in found] == [
        (people[1].id, (Reason.SAME_NAME,)),
        (people[0].id, (Reason.SIMILAR_NAME, Reason.SAME_MAILBOX)),
    ]
    assert found[0].score > found[1].score
    assert suggested(people, Who(idnumber="E1")) == []
    crowd = [Account(id=uuid7(), firstname="John", lastname="Smith", email="") for _ in range(9)]
    assert len(suggested(crowd, Who(name="John Smith"))) == 5


def test_what_was_said_is_kept_as_it_was_and_compared_as_keys() -> None:
    who = Who.said({"name": " Mia ", "email": "Mia@X.org ", "user": 7, "extra": "no"})
    assert who.as_json() == {"name": "Mia", "email": "Mia@X.org", "user": "7"}
    assert who.keys == {"user": "7", "email": "mia@x.org"}
    assert Who.said(None) == Who()
    assert Who(user="0").keys == Who(user="1e5").keys == {}
