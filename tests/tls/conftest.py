"""What the tests of TLS share: certificates, servers that have one, and clients that look closely."""

import pathlib
import ssl
import subprocess

import pytest

from http_client import Line

NAMES = "DNS:localhost,IP:127.0.0.1"


class Authority:
    """A root of its own, and certificates below it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "root.crt"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-keyout", "root.key", "-out", "root.crt", "-subj", "/CN=Test Root",
                     "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def issue(self, name, names=NAMES, days=90):
        """`name`.crt and `name`.key for a server."""
        facts = f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n"
        facts += "basicConstraints=critical,CA:FALSE\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:9/\n"
        (self.folder / f"{name}.ext").write_text(facts)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "root.crt", "-CAkey", "root.key", "-days", str(days),
                     "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.crt")  # fmt: skip
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Nobody's known hosts but the test's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "sluice"


@pytest.fixture
def secure(serve):
    """A server with a certificate of its own."""

    def start(*options, **more):
        return serve("--tls", "auto", *options, **more)

    return start


@pytest.fixture
def certified(serve, authority, tmp_path):
    """A server with the files `tmp_path`/tls.crt and tls.key, which the authority made."""

    def start(*options, name="server", **more):
        certificate, key = authority.issue(name)
        own = put_in_place(certificate, key, tmp_path)
        return serve("--tls-cert", own[0], "--tls-key", own[1], *options, **more)

    return start


def put_in_place(certificate, key, folder):
    """As an operator replaces them: each whole."""
    own = pathlib.Path(folder) / "tls.crt", pathlib.Path(folder) / "tls.key"
    for source, target in zip((certificate, key), own):
        fresh = target.with_suffix(".fresh")
        fresh.write_bytes(source.read_bytes())
        fresh.rename(target)
    return own


def trusting(file=None, *protocols):
    """What a client believes: the certificates of a file, or anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if file else ssl.CERT_NONE
    if file:
        context.load_verify_locations(file)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class TlsLine(Line):
    """A connection inside TLS on which nothing is sent but what a test says."""

    def __init__(self, server, context=None, **more):
        super().__init__(server.host, server.port, **more)
        self.socket = (context or trusting(None, "http/1.1")).wrap_socket(
            self.socket, server_hostname="localhost", suppress_ragged_eofs=False)


def client_hello(*protocols):
    """The first bytes that a client says."""
    out = ssl.MemoryBIO()
    link = trusting(None, *protocols).wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        link.do_handshake()
    return out.read()
