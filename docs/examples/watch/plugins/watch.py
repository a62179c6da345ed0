"""The files of directories as lists that people watch: `watch:NAME` for each that is configured.

Shown is what lies in the directory itself and is a file. Symbolic links are neither shown nor
followed, so nothing is shown that lies elsewhere.
"""

import asyncio
import contextlib
import heapq
import logging
import os
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from marshmallow import Schema, fields, validate
from tornado_chat import StateProvider, Topic, hookimpl
from watchfiles import awatch

api = 1
log = logging.getLogger("watch")

CHUNK = 500  # changes in one transaction
PAUSE = 0.5  # seconds between two looks, where something changes all the time
LAST = datetime.max.replace(tzinfo=UTC).timestamp() - 1  # that can be written


class Folder(Schema):
    path = fields.String(required=True)
    glob = fields.String(load_default="*", metadata={"doc": "Which names; .* for hidden ones."})
    tenant = fields.String(required=True, metadata={"doc": "Whose people see it,"})
    groups = fields.List(fields.String(), load_default=list, metadata={"doc": "only these"})
    permission = fields.String(load_default=None, metadata={"doc": "and who has this."})
    newest = fields.Integer(load_default=1000, validate=validate.Range(1, 20_000))
    seconds = fields.Float(
        load_default=10.0,
        validate=validate.Range(0.01),
        metadata={"doc": "Between two looks where nothing is told, as on a network drive."},
    )


class Settings(Schema):
    folders = fields.Dict(
        keys=fields.String(validate=validate.Regexp(r"[\w-]{1,64}\Z")),
        values=fields.Nested(Folder),
        load_default=dict,
        validate=validate.Length(max=30),  # a thread waits for each
    )


class Look(NamedTuple):
    """What was seen: which directory, None where there is none, and its files by their ids."""

    inode: tuple | None
    files: dict


def look(folder):
    """In a thread. Raises OSError where it cannot say what is there."""
    found, glob = [], folder["glob"]
    try:
        here = folder["path"].stat()
        with os.scandir(folder["path"]) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not glob.startswith(".")
                if hidden or not fnmatchcase(entry.name, glob):
                    continue
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    if entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        found.append((stat.st_mtime, os.fsencode(entry.name), stat.st_size))
    except (FileNotFoundError, NotADirectoryError):
        return Look(None, {})
    newest = map(item, heapq.nlargest(folder["newest"], found))
    return Look((here.st_dev, here.st_ino), {each["id"]: each for each in newest})


def item(file):
    modified, name, size = file
    at = datetime.fromtimestamp(min(max(modified, 0), LAST), UTC)
    return {
        "id": sha256(name).hexdigest()[:32],  # names may be longer than ids, and need not be UTF-8
        "name": name.decode(errors="replace"),
        "size": size,
        "modified": at.isoformat(timespec="microseconds"),
    }


class Watch(StateProvider):
    kind, item_name, state_name = "watch", "file", "files"
    newest_by = "modified"

    def __init__(self, folders):
        self.folders = folders
        self.snapshot_limit = max((each["newest"] for each in folders.values()), default=1)

    def topic(self, key):
        return Topic(self.folders[key]["tenant"], self.kind, key)

    async def authorize(self, identity, action, topic):
        folder = self.folders.get(topic.key)
        return (
            folder is not None
            and action != "publish"
            and identity.tenant == topic.tenant == folder["tenant"]
            and (not folder["groups"] or not identity.groups.isdisjoint(folder["groups"]))
            and (not folder["permission"] or identity.may(folder["permission"]))
        )

    async def run(self, name, _lease):
        """Shows what is there, as long as the server runs; what it raises begins it anew."""
        folder = self.folders[name]
        items = await self.server.read(lambda tx: self.items_in(tx, name))
        shown = {each["id"]: each for each in items if each.pop("version")}
        missed = False
        while True:
            seen = await asyncio.to_thread(look, folder)
            shown = await self.show(name, shown, seen.files)
            if seen.inode:
                shown = await self.follow(name, shown, seen.inode)
            elif not missed:
                log.warning("watch %s: the directory is not there", name)
            missed = not seen.inode
            if missed:
                await asyncio.sleep(folder["seconds"])

    async def follow(self, name, shown, inode):
        """As long as it is the same directory; gives what is shown then."""
        folder = self.folders[name]
        changes = awatch(
            folder["path"],
            watch_filter=None,
            rust_timeout=int(folder["seconds"] * 1000),
            yield_on_timeout=True,
            recursive=False,  # it would follow links, all over the machine
        )
        coming = asyncio.ensure_future(anext(changes))
        try:
            await asyncio.sleep(0)  # it listens before we look, so that nothing is missed
            while (seen := await asyncio.to_thread(look, folder)).inode == inode:
                shown = await self.show(name, shown, seen.files)
                await asyncio.sleep(PAUSE)
                await coming
                coming = asyncio.ensure_future(anext(changes))
        except FileNotFoundError:
            pass  # it went before it was listened to
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await changes.aclose()
        return shown

    async def show(self, name, shown, files):
        """Tells what is different, some at a time, so that others may write in between."""
        changes = [(each, None) for each in shown.keys() - files.keys()]
        changes += [(each, file) for each, file in files.items() if shown.get(each) != file]
        for start in range(0, len(changes), CHUNK):
            await self.server.write(partial(self.write, name, changes[start : start + CHUNK]))
        return files

    def write(self, name, changes, tx):
        for each, file in changes:
            if file is None:
                self.delete_in(tx, name, each)
            else:
                self.set_in(tx, name, each, file)


@hookimpl
def register_config():
    return Settings


@hookimpl
def register_topics(server, config):
    home = server.config.folder  # relative paths start there
    return [
        Watch(
            {
                name: {**each, "path": home / each["path"]}
                for name, each in config["folders"].items()
            }
        )
    ]


@hookimpl
def startup(server, config):
    for name in config["folders"]:
        server.run_once(name, partial(server.provider("watch").run, name))
