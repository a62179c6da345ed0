"""Asking the running server of a configuration, whatever it says there of address and certificate."""

import asyncio
import socket
import subprocess
from dataclasses import replace

import pytest

from support.boards import boards
from support.server import running_server, users
from tornado_chat.cli_running import NotTold, ask

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Two of (certificate, key), for a name that nobody asks for, of one authority that stands in
    neither file."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", *CURVE, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA")
    for name in ("one", "other"):
        said = f"{name}.csr"
        openssl("req", *CURVE, "-keyout", f"{name}.key", "-out", said, "-subj", "/CN=chat.example")
        by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        openssl("x509", "-req", "-in", said, *by, "-out", f"{name}.pem", "-days", "2")
    return [(folder / f"{name}.pem", folder / f"{name}.key") for name in ("one", "other")]


def with_authority(certificate):
    """The same as most authorities give it."""
    whole = certificate.with_name(f"{certificate.stem}-chain.pem")
    whole.write_text(certificate.read_text() + certificate.with_name("ca.pem").read_text())
    return whole


def serve(**tables):
    return running_server(tables, [boards()], entry_points=False)


async def asked(site, key=None, **changes):
    config = site.server.config
    section = replace(config.server, **{"port": site.port, **changes})
    return await asyncio.to_thread(ask, replace(config, server=section), key)


async def test_plugins_and_what_they_did():
    async with serve() as site:
        found = await asked(site)
        assert found.names == tuple(found.health) == ("boards",)
        assert found.url == f"http://127.0.0.1:{site.port}"


@pytest.mark.parametrize("permission", ["status", "admin"])
async def test_with_the_key_of_a_user_of_the_file_who_may_know(permission):
    (ann, bob, *_) = users()
    knowing = {**bob, "permissions": [permission]}
    async with serve(users=[ann, knowing]) as site:
        assert (await asked(site)).names == ("boards",)
    async with serve(users=[ann]) as site:
        with pytest.raises(NotTold, match="let a user of the file"):
            await asked(site)


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
async def test_any_address_is_asked_at_this_machine(address):
    async with serve(server={"address": address}) as site:
        assert (await asked(site)).url == f"http://127.0.0.1:{site.port}"


async def test_its_own_certificate_is_trusted_whoever_made_it_and_no_other(certificates, logs):
    logs.expect("SSL Error")
    (chain, key), (other, _) = certificates
    tls = {"tls_certificate": str(chain), "tls_key": str(key)}
    async with serve(server=tls) as site:
        assert (await asked(site)).url == f"https://127.0.0.1:{site.port}"
        for each in (other, with_authority(other)):
            with pytest.raises(NotTold, match="another certificate"):
                await asked(site, tls_certificate=each)
        assert (await asked(site, tls_certificate=with_authority(chain))).names == ("boards",)


async def test_one_that_is_not_ready_is_named(logs):
    logs.expect("GET /health/ready 503")
    async with serve() as site:
        site.server.ready = False
        with pytest.raises(NotTold, match="is not ready"):
            await asked(site)


@pytest.mark.parametrize("said", [b"HTTP/1.0 200 OK\r\n\r\n<html>", b"HTTP/1.0 200 OK\r\n\r\n[1]"])
async def test_what_is_something_else_is_not_believed(said):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with serve() as site, await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(NotTold, match="is no tornado_chat"):
            await asked(site, port=port)


async def test_what_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("tornado_chat.cli_running.SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # nobody accepts
        async with serve() as site:
            with pytest.raises(NotTold, match="nothing answers"):
                await asked(site, port=mute.getsockname()[1])
