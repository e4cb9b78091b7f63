"""Long random tokens that are shown once: cookies, one-time links. Only hashes of them are kept."""

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """43 characters that nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What is kept of a token, and looked up by: 64 characters.

    A plain hash: of something this long and random it can't be guessed back.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
