"""`copbridge doctor` against the simulated site, whose account lacks capabilities, and real certificates."""

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import mappings
from jobs.doctor.certificate import look_at
from records import sites
from records.actor import CLI
from records.program_loading import load_version
from records.settings import Settings
from sandbox.serving import serving
from sandbox.site import Site
from tests.support.cli import Cli
from tests.support.readings import take_in

PROGRAM = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A simulated site behind an address of its own."""
    with Site(tmp_path / "site.db") as fresh, serving(fresh):
        yield fresh


def connected(engine: Engine, settings: Settings, site: Site, token: str) -> Cli:
    """A house that knows the site's state as a first synchronisation tells it."""
    cli = Cli(settings)
    with Session(engine) as session, session.begin():
        sites.add_site(session, "moodle", "Moodle", site.wwwroot, actor=CLI)
        site_id = sites.find_site(session, "moodle").id
        load_version(session, PROGRAM.read_text(encoding="utf-8"), PROGRAM.name, actor=CLI, reason="A test")
    take_in(engine, site_id, [reading for batch in site.full_batches() for reading in batch["readings"]])
    added = cli("site", "secret", "add", "moodle", "--purpose", "web_services", "--from-stdin", stdin=f"{token}\n")
    assert added.code == 0, added.err
    return cli


def lacking(cli: Cli) -> set[str]:
    """The capabilities that the doctor names."""
    answer = cli("doctor", "moodle", "--json")
    assert answer.err == ""
    found: list[dict[str, Any]] = [one for check in answer.data["checks"] for one in check["findings"]]
    named = [one["params"] for one in found if one["code"] in ("capability_missing", "capability_one_of")]
    named += [one["params"] for one in found if one["code"] == "capability_wanted"]
    return {name for params in named for name in params.get("capabilities", [params.get("capability")])}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "600000")


def test_an_account_that_has_all_of_them(engine: Engine, settings: Settings, site: Site) -> None:
    assert lacking(connected(engine, settings, site, site.limited_token())) == set()


def test_each_that_the_account_lacks_is_named(engine: Engine, settings: Settings, site: Site) -> None:
    cli = connected(engine, settings, site, site.limited_token())
    for name in (
        "moodle/course:view",
        "moodle/course:enrolreview",
        "moodle/user:viewdetails",
        "moodle/user:viewalldetails",
        "moodle/site:viewfullnames",
        "moodle/site:viewuseridentity",
        "report/progress:view",
        "moodle/course:managegroups",
        "moodle/course:manageactivities",
    ):
        site.limited_token(name)
        assert lacking(cli) == {name}, name


def test_hidden_activities_and_courses(engine: Engine, settings: Settings, site: Site) -> None:
    with site.store.write() as db:
        db.execute("UPDATE course_modules SET visible = 0 WHERE id = (SELECT min(id) + 4 FROM course_modules)")
        db.execute("UPDATE course SET visible = 0 WHERE id = (SELECT max(id) FROM course)")
    cli = connected(engine, settings, site, site.limited_token())
    assert lacking(cli) == set()
    site.limited_token("moodle/course:viewhiddenactivities")
    # The simulated site still tells of a hidden activity that is asked for by itself; Moodle would refuse that.
    assert lacking(cli) & {"moodle/course:viewhiddenactivities", "moodle/course:viewhiddensections"}
    site.limited_token("moodle/course:viewhiddencourses")
    assert lacking(cli) == {"moodle/course:viewhiddencourses"}


def certificate(folder: Path, days: int, name: str = "127.0.0.1") -> Path:
    """A certificate that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=30))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@contextmanager
def https(path: Path) -> Iterator[str]:
    """A server that shows the certificate; its address."""

    class Quiet(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Who refuses the certificate hangs up."""

    server = Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_certificate_of_nobody_we_trust(tmp_path: Path) -> None:
    with https(certificate(tmp_path, 90)) as address:
        assert "self-signed certificate" in look_at(address).problem


@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_certificate_of_an_authority_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_folder: bool
) -> None:
    path = certificate(tmp_path, 10)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path if whole_folder else path))
    with https(path) as address:
        seen = look_at(address)
    if whole_folder:
        # OpenSSL looks for names of hashes in a folder: this one has none.
        assert "self-signed certificate" in seen.problem
    else:
        assert seen.expires_at is not None
        assert 9 <= (seen.expires_at - NOW).days <= 10


def test_a_certificate_that_has_expired_or_is_anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for days, name, says in ((-1, "127.0.0.1", "expired"), (90, "127.0.0.9", "mismatch")):
        path = certificate(tmp_path, days, name)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
        with https(path) as address:
            assert says in look_at(address).problem


def test_where_no_certificate_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    address = f"https://127.0.0.1:{server.server_port}"
    server.server_close()
    assert look_at(address).problem == ""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert look_at("https://moodle.example.org").expires_at is None
