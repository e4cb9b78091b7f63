"""A program administrator merges two people who are one, sees what would change before, and undoes it."""

from playwright.sync_api import Page, expect

from records.actor import Grant, Role
from tests.browser.conftest import Site
from tests.browser.looks import check
from tests.support import readings, seed
from tests.support.seed import BAY, modules_of


def test_two_people_become_one_and_two_again(page: Page, site: Site) -> None:
    twice = readings.account(13, "E0013", at=readings.NOW) | {
        "firstname": "Amara",
        "lastname": "Okafor",
        "email": "U11@Example.org",
    }
    done = readings.completion(13, modules_of(BAY)[5], BAY, at=seed.START)
    seed.take_in(site.engine, site.seeded.site, [twice, done])
    cookie = seed.signed_in_cookie(site.engine, "ada@example.org", [Grant(Role.PROGRAM_ADMIN)])
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(f"{site.address}/people/{site.seeded.persons[13]}")
    page.get_by_role("link", name="In here twice?").click()
    check(page)
    expect(page.get_by_text("the same e-mail", exact=True)).to_be_visible()
    page.get_by_role("link", name="See what would change").click()
    check(page)
    hours = page.get_by_role("table", name="Hours by community, now and after")
    expect(hours.get_by_text("Counts once: Session “Face-to-face session 1”, 5 h")).to_be_visible()
    page.get_by_label("Why are they one person?").fill("Two accounts of one participant")
    page.get_by_role("button", name="They are one person").click()
    page.get_by_role("link", name="Merged with another person on").click()
    check(page)
    page.get_by_label("Why are they two people?").fill("They are sisters")
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("link", name="In here twice?")).to_be_visible()
    expect(page.get_by_role("link", name="Merged with another person on")).to_have_count(0)
