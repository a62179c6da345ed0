"""conf/nginx.conf and conf/Caddyfile do what docs/how-to/reverse-proxy.md says, and are read by the
programs they are for, where those are installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CONF = Path(__file__).parents[2] / "conf"
NGINX, CADDY = (CONF / "nginx.conf").read_text(), (CONF / "Caddyfile").read_text()
PATHS = ["/chat", "/notws", "/ws", "ChatRoom", "ChatMessage", "Notification", "plugins", "health"]


def test_the_tables_of_the_page_are_kept():
    assert "proxy_set_header Upgrade " in NGINX
    assert "underscores_in_headers on;" in NGINX
    assert re.search(r"X-Forwarded-For +\$remote_addr;", NGINX)
    assert "proxy_read_timeout 1h;" in NGINX
    assert "client_max_body_size 2m;" in NGINX
    assert "max_size 2MB" in CADDY
    assert "$request " not in NGINX  # which has the query
    assert r"request>uri regexp \?" in CADDY


@pytest.mark.parametrize("text", [NGINX, CADDY], ids=["nginx", "caddy"])
def test_beside_a_moqui_the_paths_are_parted(text):
    end = text[text.rindex("Beside a live Moqui") :]
    assert [path for path in PATHS if path.strip("/") not in end] == []


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_nginx_reads_its_file(tmp_path):
    made = re.sub(r"^ +ssl_.*\n", "", NGINX, flags=re.MULTILINE).replace(" ssl;", ";")
    (tmp_path / "nginx.conf").write_text(f"events {{}}\nhttp {{\n{made}\n}}\n")
    done = subprocess.run(["nginx", "-t", "-c", tmp_path / "nginx.conf"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not shutil.which("caddy"), reason="caddy is not installed")
def test_caddy_reads_its_file():
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", CONF / "Caddyfile"]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_reads_the_unit(tmp_path):
    unit = (
        (CONF / "tornado-chat.service").read_text().replace("/opt/tornado-chat/bin/", "/bin/true ")
    )
    unit = re.sub(r"^(User|Group)=.*$", r"\1=root", unit, flags=re.MULTILINE)
    (tmp_path / "tornado-chat.service").write_text(unit)
    command = ["systemd-analyze", "verify", "--man=no", tmp_path / "tornado-chat.service"]
    done = subprocess.run(command, capture_output=True, check=False)
    said = [line for line in done.stderr.decode().splitlines() if "tornado-chat" in line]
    assert said == []
