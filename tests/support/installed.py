"""What a person has who installs: wheels, in a virtual environment with nothing else in it.

Built once for a whole run, whoever of the workers comes first: `made(folder)`. In it are the wheel
of tornado_chat, and those of three packages that its own scaffold has written, one of each kind.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "dist", "*.egg-info", "__pycache__", "results", "*.db*", "tornado_chat_demo"
)
PLUGINS = {"list": "machines", "board": "notices", "consumer": "outgoing"}


@dataclass
class Installed:
    """`folder` holds all of it: `venv`, `dist` with what was built of tornado_chat, and the packages."""

    folder: Path

    @property
    def wheel(self):
        [found] = (self.folder / "dist").glob("*.whl")
        return found

    @property
    def sdist(self):
        [found] = (self.folder / "dist").glob("*.tar.gz")
        return found

    def bin(self, name):
        """A program of the environment."""
        return str(self.folder / "venv" / "bin" / name)

    def package(self, kind):
        """The folder of a package, as the scaffold has written it."""
        return self.folder / f"tornado-chat-{PLUGINS[kind]}"

    def run(self, program, *arguments, cwd):
        """Runs a program of the environment to its end: a CompletedProcess."""
        return run(self.bin(program), *arguments, cwd=cwd)

    def check(self, program, *arguments, cwd):
        """The same, for what must go well; what it says."""
        return check(self.bin(program), *arguments, cwd=cwd)


def clean_environ():
    """Without what would lead an environment to this checkout."""
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for name in list(environ):
        if name.startswith(("PYTHON", "PYTEST", "COV", "TORNADO_CHAT")):
            del environ[name]
    return {**environ, "NO_COLOR": "1"}


def run(*command, cwd):
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def check(*command, cwd):
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def made(folder):
    """The environment in this folder, made where it is not there yet."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists():
            make(Installed(folder))
            ready.touch()
    return Installed(folder)


def make(installed):
    """Builds in copies: a build leaves files beside its source."""
    folder = installed.folder
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)
    venv.create(folder / "venv", with_pip=False)
    pip(installed, "setuptools>=77", "build")
    installed.check("python", "-m", "build", "--no-isolation", "-o", folder / "dist", cwd=source)
    pip(installed, f"tornado_chat[testing,dev] @ {installed.wheel.as_uri()}")
    for kind, name in PLUGINS.items():
        installed.check(
            "tornado-chat", "plugins", "new", name, "--kind", kind, "--package", cwd=folder
        )
        wheel = ["-m", "build", "--no-isolation", "--wheel", "-o", folder / "wheels"]
        installed.check("python", *wheel, cwd=installed.package(kind))
    pip(installed, "--no-deps", *sorted((folder / "wheels").glob("*.whl")))


def pip(installed, *what):
    """Ours, into that environment."""
    pip = [sys.executable, "-m", "pip", "--python", installed.bin("python"), "install"]
    check(*pip, "--quiet", "--disable-pip-version-check", *what, cwd=installed.folder)
