"""Forms of decisions through the test client: look, see what would change, do it."""

import re
from html import unescape

from flask.testing import FlaskClient


def page(client: FlaskClient, path: str) -> str:
    """A page that has to be there."""
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def post(client: FlaskClient, path: str, form_page: str, **form: object) -> tuple[int, str]:
    """Post a form whose page is another one: status, and the page, or of a redirect where it leads."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page(client, form_page))
    assert token
    answer = client.post(path, data={"csrf_token": token[1], **form})
    if answer.status_code == 303:
        return 303, answer.headers["Location"]
    return answer.status_code, answer.get_data(as_text=True)


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a preview's form, but for the token; the last of several of one name."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html)
    return {name: unescape(value) for name, value in found if name != "csrf_token"}


def steps(client: FlaskClient, path: str, form_page: str, **form: object) -> str:
    """See what an act would change, do it, and return the page that it leads to."""
    status, seen = post(client, path, form_page, **form)
    assert status == 200, seen
    status, there = post(client, path, form_page, **hidden(seen), step="do")
    assert status == 303, there
    return page(client, there)
