"""A small SMTP server for tests: as strict as a real one about the order of things, and as wilful as a test asks."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass
class Mailbox:
    """What a server took, and how it answers."""

    port: int = 0
    certificate: Path | None = None
    """Given: it offers STARTTLS, and takes nothing before."""
    login: tuple[str, str] | None = None
    """Given: it takes nothing before this user's AUTH PLAIN."""
    to_recipient: bytes = b"250 ok"
    """What it answers to RCPT TO."""
    taken: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    """Of each: whether it came by TLS."""


class _Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        self.box = cast(_Server, self.server).box
        self.secure, self.trusted = False, self.box.login is None
        self._say(b"220 test ESMTP")
        while line := self.rfile.readline().strip():
            verb = line.split(b" ")[0].upper()
            if verb == b"QUIT":
                self._say(b"221 bye")
                return
            answer = self._answer(verb, line)
            if answer is not None:
                self._say(answer)

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _answer(self, verb: bytes, line: bytes) -> bytes | None:
        if verb == b"EHLO":
            return self._extensions()
        if verb == b"STARTTLS" and self.box.certificate:
            self._encrypt(self.box.certificate)
            return None
        if self.box.certificate and not self.secure:
            return b"530 STARTTLS first"
        if verb == b"AUTH":
            return self._log_in(line)
        if not self.trusted:
            return b"530 log in first"
        if verb == b"RCPT":
            return self.box.to_recipient
        return self._take() if verb == b"DATA" else b"250 ok"

    def _extensions(self) -> bytes:
        offered = [b"test"]
        if self.box.certificate and not self.secure:
            offered.append(b"STARTTLS")
        if self.box.login and (self.secure or not self.box.certificate):
            offered.append(b"AUTH PLAIN")
        offered.append(b"8BITMIME")
        return b"\r\n".join(b"250-" + each for each in offered[:-1]) + b"\r\n250 " + offered[-1]

    def _encrypt(self, certificate: Path) -> None:
        self._say(b"220 go on")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.setup_files()
        self.secure = True

    def setup_files(self) -> None:
        """Read and write by TLS from now on."""
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def finish(self) -> None:
        super().finish()
        # What TLS made of the socket is nobody else's to close.
        self.connection.close()

    def _log_in(self, line: bytes) -> bytes:
        _, user, password = base64.b64decode(line.split(b" ")[2]).split(b"\0")
        self.trusted = (user.decode(), password.decode()) == self.box.login
        return b"235 welcome" if self.trusted else b"535 no"

    def _take(self) -> bytes:
        self._say(b"354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.box.taken.append(message_from_bytes(b"".join(lines), policy=SMTP))
        self.box.encrypted.append(self.secure)
        return b"250 taken"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    box: Mailbox

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that doesn't trust the certificate hangs up: no news."""


@contextmanager
def smtp_server(box: Mailbox) -> Iterator[Mailbox]:
    """Serve on a loopback port, which is put into the mailbox."""
    with _Server((HOST, 0), _Talk) as server:
        server.box = box
        box.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file
