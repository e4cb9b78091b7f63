"""Forms of the console, sent by a test client with the token that its pages carry."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def token(client: FlaskClient, path: str = "/") -> str:
    """The token of the forms on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def send(client: FlaskClient, path: str, **form: Any) -> TestResponse:
    """Post a form; its answer."""
    return client.post(path, data={"csrf_token": token(client), **form})
