"""A facilitator of one region is told nothing of another one: not by a page, nor a file, nor a token of the API."""

import pytest
from playwright.sync_api import APIRequestContext, Page, expect

from records.actor import Grant, Role, Scope
from tests.browser.conftest import DESKTOP, Site
from tests.browser.looks import check
from tests.support import seed
from tests.support.seed import BAY, LA

HERE, ELSEWHERE = "Okafor", ("Alvarez", "Abrams", "Los Angeles")


def ask(requests: APIRequestContext, path: str, **headers: str) -> tuple[int, str]:
    """What an address answers; nothing of it is told of elsewhere."""
    answer = requests.get(path, headers=headers)
    text = answer.text()
    assert not [word for word in ELSEWHERE if word in text], path
    return answer.status, text


def made_token(page: Page, site: Site) -> str:
    """A token of the API that may whatever the facilitator may."""
    page.goto(f"{site.address}/tokens")
    page.get_by_label("What it is for").fill("My own report")
    for box in page.get_by_role("group", name="What it may do").get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Make a token").click()
    check(page)
    return page.get_by_label("Token", exact=True).input_value()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_another_region_is_unknown(page: Page, site: Site) -> None:
    bay, la = site.seeded.communities[BAY], site.seeded.communities[LA]
    ours, theirs = site.seeded.persons[11], site.seeded.persons[31]
    reach = [Grant(Role.FACILITATOR, Scope.REGION, f"{seed.PROGRAM}/BAY")]
    cookie = seed.signed_in_cookie(site.engine, "dana@example.org", reach)
    page.context.add_cookies([{"name": "copbridge", "value": cookie, "url": site.address}])
    page.goto(site.address)
    expect(page.get_by_text("Bay Area").first).to_be_visible()
    expect(page.get_by_text("Los Angeles")).to_have_count(0)
    # A tab of its own: the browser complains of the 404 in its console, as it should.
    denied = page.context.new_page()
    for path in (f"/communities/{la}", f"/people/{theirs}", f"/communities/{la}/sessions"):
        answer = denied.goto(site.address + path)
        assert answer is not None
        assert answer.status == 404, path
        expect(denied.locator("main")).not_to_contain_text("Alvarez")
        check(denied)
    files = (("/communities/{}/roster.csv", bay, la), ("/communities/{}/sessions.csv", bay, la))
    for path, known, unknown in files:
        assert ask(page.request, site.address + path.format(known))[0] == 200, path
        assert ask(page.request, site.address + path.format(unknown))[0] == 404, path
    for query in ("", "?region=LA"):
        status, text = ask(page.request, f"{site.address}/exports/people.csv{query}")
        assert (status, HERE in text) in ((200, not query), (404, False)), query
    token = f"Bearer {made_token(page, site)}"
    page.context.clear_cookies()
    api = f"{site.address}/api/v1"
    assert ask(page.request, f"{api}/communities", Authorization=token)[0] == 200
    assert ask(page.request, f"{api}/communities")[0] == 401
    for path, known, unknown in (
        ("/communities/{}", bay, la),
        ("/communities/{}/memberships", bay, la),
        ("/communities/{}/sessions", bay, la),
        ("/people/{}", ours, theirs),
        (
            "/memberships/{}/explanation",
            seed.membership(site.engine, site.seeded, 11),
            seed.membership(site.engine, site.seeded, 31, LA),
        ),
    ):
        assert ask(page.request, api + path.format(known), Authorization=token)[0] == 200, path
        assert ask(page.request, api + path.format(unknown), Authorization=token)[0] == 404, path
