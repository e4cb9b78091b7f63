"""The HTTP floor: a Flask application that answers an empty 200, for the same gunicorn."""

from flask import Flask, Response, request


def build() -> Flask:
    app = Flask(__name__)

    @app.post("/")
    def empty() -> Response:
        request.get_data()
        return Response(b"", mimetype="application/json")

    return app
