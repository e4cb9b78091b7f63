"""What a site's certificate says: until when it holds, or why it isn't trusted."""

import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from requests.utils import DEFAULT_CA_BUNDLE_PATH

TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """`expires_at` None: nobody could look, for a proxy is in between or nothing answers. `problem`: in OpenSSL's
    words, such as "certificate has expired"."""

    expires_at: datetime | None = None
    problem: str = ""


def look_at(wwwroot: str, timeout: float = TIMEOUT) -> Certificate:
    """The certificate of an https address, judged by the authorities that requests trusts."""
    parts = urlsplit(wwwroot)
    host = parts.hostname or ""
    if "https" in getproxies() and not proxy_bypass(host):
        return Certificate()
    context = _context()
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            expires = str((secured.getpeercert() or {})["notAfter"])
    except ssl.SSLCertVerificationError as err:
        return Certificate(problem=err.verify_message or "it can't be verified")
    except ssl.SSLError as err:
        return Certificate(problem=f"no TLS: {err.reason or 'the handshake failed'}")
    except (OSError, KeyError):
        return Certificate()
    return Certificate(datetime.fromtimestamp(ssl.cert_time_to_seconds(expires), UTC))


def _context() -> ssl.SSLContext:
    """With the authorities that requests chooses."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    if Path(named).is_dir():
        return ssl.create_default_context(capath=named)
    return ssl.create_default_context(cafile=named)
