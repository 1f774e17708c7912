"""Redis over TLS: a server with a certificate of its own, and clients that look at it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from holdfast.stores import StoreUnavailable, open_store
from tests.services.redis import RedisServer, free_port
from tests.stores.faces import face

pytestmark = [
    pytest.mark.needs("redis"),
    pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed"),
]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def make_authority(folder: Path, name: str) -> None:
    """`name.crt` and `name.key`: one that others can be signed with."""
    subject = ["-subj", f"/CN={name}", "-days", "2", "-nodes", *EC]
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    files = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
    openssl(folder, "req", "-x509", *subject, *usage, *files)


def make_certificate(folder: Path, name: str, signed_by: str, host: str) -> None:
    """`name.crt` and `name.key`, for that host."""
    request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", "-nodes"]
    openssl(folder, "req", "-new", *request, *EC)
    (folder / f"{name}.ext").write_text(
        f"subjectAltName={host}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    signer = ["-CA", f"{signed_by}.crt", "-CAkey", f"{signed_by}.key", "-CAcreateserial"]
    files = ["-in", f"{name}.csr", "-out", f"{name}.crt", "-extfile", f"{name}.ext"]
    openssl(folder, "x509", "-req", "-days", "2", *signer, *files)


EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]


class SecureServer:
    """Speaks TLS at `port`, and wants a certificate from its clients if told so."""

    def __init__(self, folder: Path, *, of_clients: bool = False, name: str = "server") -> None:
        self.port = free_port()
        self.server = RedisServer(
            options={
                "tls-port": str(self.port),
                "tls-cert-file": str(folder / f"{name}.crt"),
                "tls-key-file": str(folder / f"{name}.key"),
                "tls-ca-cert-file": str(folder / "ours.crt"),
                "tls-auth-clients": "yes" if of_clients else "no",
            }
        )

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.remove()

    def url(self, **query: Path) -> str:
        text = "&".join(f"{name}={path}" for name, path in query.items())
        return f"rediss://127.0.0.1:{self.port}/0?{text}"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, ours and a stranger's; certificates of ours for server and client."""
    folder = tmp_path_factory.mktemp("certificates")
    make_authority(folder, "ours")
    make_authority(folder, "stranger")
    make_certificate(folder, "server", "ours", "IP:127.0.0.1")
    make_certificate(folder, "elsewhere", "ours", "DNS:redis.example")
    make_certificate(folder, "client", "ours", "DNS:client.example")
    return folder


@pytest.fixture(scope="module")
def secure(files: Path) -> Iterator[SecureServer]:
    with SecureServer(files) as server:
        yield server


def use(url: str, kind: str) -> Any:
    opened = open_store(url)
    store = face(opened, kind)
    try:
        store.set(b"k", b"v" * 100_000)
        store.increment(b"n", 3, initial=0)
        store.set_many({b"a": b"1", b"b": b"2"}, 60)
        assert store.get_many([b"k", b"a", b"b"]) == {b"k": b"v" * 100_000, b"a": b"1", b"b": b"2"}
        assert store.acquire(b"lock", b"me", 5) is not None
        assert store.release(b"lock", b"me")
        return store.get(b"n")
    finally:
        store.delete(b"n")
        if kind == "async":
            store.leave()
        opened.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_a_server_whose_certificate_is_signed_by_the_given_ca_is_used(scheme, kind, secure, files):
    url = secure.url(ssl_ca_certs=files / "ours.crt").replace("rediss", scheme)
    assert use(url, kind) == b"3"


def refusal(url: str, kind: str) -> str:
    opened = open_store(url)
    store = face(opened, kind)
    try:
        with pytest.raises(StoreUnavailable) as raised:
            store.set(b"k", b"v")
        return str(raised.value)
    finally:
        if kind == "async":
            store.leave()
        opened.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("authority", ["stranger", None])
def test_a_certificate_of_an_unknown_ca_is_refused(authority, kind, secure, files):
    given = {"ssl_ca_certs": files / f"{authority}.crt"} if authority else {}
    said = refusal(secure.url(**given), kind)
    assert "can't be reached" in said
    assert "?ssl_ca_certs=/path" in said
    assert "\n" not in said


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_certificate_for_another_host_is_refused(kind, files):
    with SecureServer(files, name="elsewhere") as server:
        said = refusal(server.url(ssl_ca_certs=files / "ours.crt"), kind)
    assert "not valid for '127.0.0.1'" in said
    assert "the host as the certificate does" in said


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_client_shows_its_own_certificate_where_the_server_wants_one(kind, files):
    with SecureServer(files, of_clients=True) as server:
        ca = files / "ours.crt"
        own = {"ssl_certfile": files / "client.crt", "ssl_keyfile": files / "client.key"}
        assert use(server.url(ssl_ca_certs=ca, **own), kind) == b"3"
        assert "can't be reached" in refusal(server.url(ssl_ca_certs=ca), kind)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_plain_text_to_a_port_of_tls_and_the_other_way_round_end_in_time(kind, secure, files):
    plain = f"redis://127.0.0.1:{secure.port}/0"
    assert "can't be reached" in refusal(plain, kind)
    # Redis waits for the rest of what it takes for a command.
    other = f"rediss://127.0.0.1:{secure.server.port}/0?ssl_ca_certs={files / 'ours.crt'}"
    assert "no answer within 1 s" in refusal(other, kind)


def test_what_a_server_sends_with_the_handshake_is_not_taken_for_a_broken_connection(secure, files):
    for _ in range(50):
        store = open_store(secure.url(ssl_ca_certs=files / "ours.crt"))
        store.set(b"k", b"v")
        store.close()
