"""Holds what tests are answered and what they hear against `/openapi.json` and `/asyncapi.json`.

Answers are checked more strictly than the documents are: what is not described may come in a later
version, and not today. What looks as something that was checked before is not checked again, and of
long lists only both ends are.
"""

import functools
import json
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from websockets import ClientConnection

from tornado_chat.app import Server
from tornado_chat.config import build
from tornado_chat.web.api import JSON, asyncapi, openapi
from tornado_chat.web.api.pages import OpenApi

ENDS = 5  # items of a list
CREDENTIALS = {"api_key", "apiKey", "login_key", "userId"}
DOORS = {400, 401, 403, 404, 405, 413, 429, 503}  # an error of any path and method, by its manner


@functools.cache
def usual():
    """A server as it is without a word, with the plugins that come with it; not started."""
    return Server(build({}))


def house_of(server):
    """Of a server in a process of its own: what the usual one would be."""
    return (server if isinstance(server, Server) else usual()).listener._house


def routes_of(server):
    """All routes, with the names of their plugins."""
    rules = house_of(server).wildcard_router.rules
    return next(rule for rule in rules if rule.target is OpenApi).target_kwargs["routes"]


def once(kept, key, make):
    """What was made for the key."""
    if key not in kept:
        kept[key] = make()
    return kept[key]


def operations_of(routes):
    """By (path, method): the operation, its references put in place."""
    document = openapi.document(routes)
    return {
        (path, method): Operation(inlined(operation, document))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


class Operation:
    """One method of a path."""

    def __init__(self, operation):
        self.responses = operation["responses"]
        self.query = {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"
        }
        self._body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        self._shapes = {}

    def fault_of_answer(self, status, kind, body):
        make = lambda: Shape(strict(self.responses[status]["content"][kind]["schema"]))  # noqa: E731
        return once(self._shapes, status, make).fault(body)

    def fault_of_body(self, body):
        if self._body is None:
            return None
        return once(self._shapes, "body", lambda: Shape(self._body["schema"])).fault(body)


def inlined(value, document):
    """The value with what its references mean in their place."""
    if isinstance(value, list):
        return [inlined(each, document) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):
        found = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return inlined(found, document)
    return {key: inlined(each, document) for key, each in value.items()}


def strict(value):
    """A schema that knows no key but those that it names."""
    if isinstance(value, list):
        return [strict(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: strict(each) for key, each in value.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


class Shape:
    """One schema, compiled; knows what it has seen."""

    def __init__(self, schema):
        self._validator = Draft202012Validator(schema)
        self._seen = set()

    def fault(self, value):
        """What is wrong, None for nothing."""
        short = ends(value)
        outline = outline_of(short)
        if outline in self._seen:
            return None
        error = best_match(self._validator.iter_errors(short))
        if error is not None:
            return f"{error.json_path}: {error.message[:500]}"
        self._seen.add(outline)
        return None


def ends(value):
    """The value with what is in the midst of long lists left out."""
    if isinstance(value, dict):
        return {key: ends(each) for key, each in value.items()}
    if isinstance(value, list):
        few = value if len(value) <= 2 * ENDS else value[:ENDS] + value[-ENDS:]
        return [ends(each) for each in few]
    return value


def outline_of(value):
    """Its keys and types."""
    if isinstance(value, dict):
        return frozenset((key, outline_of(each)) for key, each in value.items())
    if isinstance(value, list):
        return ("list", frozenset(outline_of(each) for each in value))
    return type(value)


# REST

documented = {}  # by what the routes are: servers of many tests have the same


def check_answer(server, method, path, sent, answer):
    """Of any request to the server: AssertionError where the answer is none that is described."""
    path, _, query = path.partition("?")
    if method in {"OPTIONS", "HEAD"} or path in house_of(server).dialects:
        return
    routes = routes_of(server)
    key = tuple((owner, each.regex.pattern, each.handler_class) for owner, each in routes)
    operations = once(documented, key, lambda: operations_of(routes))
    route = next((each for _, each in routes if each.regex.match(path)), None)
    operation = route and operations.get((openapi.path_of(route), method.lower()))
    where = f"{method} {path} answered {answer.code}"
    if not operation:
        assert answer.code in DOORS, f"{where}, which is not described"
        return
    status = str(answer.code)
    if status not in operation.responses:
        described = "default" in operation.responses or answer.code in DOORS
        assert described, f"{where}, not one of {sorted(operation.responses)}"
        return
    content = operation.responses[status].get("content")
    if content is None:
        return
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    assert kind in content, f"{where}: {kind!r} is not one of {sorted(content)}"
    if answer.json is not None:
        fault = operation.fault_of_answer(status, kind, answer.json)
        assert fault is None, f"{where}: {fault}"
    if answer.code < 300:
        check_request(operation, query, sent, where)


def check_request(operation, query, sent, where):
    """What was taken is described as something that may be said."""
    asked = {name.removesuffix("[]") for name, _ in parse_qsl(query)}
    unknown = asked - operation.query - CREDENTIALS
    assert not unknown, f"{where} to {unknown} in the query, which are not described"
    body = read(sent) if sent else None
    if body is not None:  # a form is none
        fault = operation.fault_of_body(body)
        assert fault is None, f"{where} to a body that is not described: {fault}"


# Sockets


described = {}  # by what the dialects are


def channels_of(dialects):
    """By path: the channel, its references put in place, and what answers its commands."""
    document = asyncapi.document(dialects)
    channels = {}
    for name, channel in document["channels"].items():
        operations = {
            each.partition(".")[2]: operation
            for each, operation in document["operations"].items()
            if operation["channel"]["$ref"] == f"#/channels/{name}"
        }
        channels[channel["address"]] = Channel(inlined(channel, document), operations)
    return channels


class Channel:
    """What goes over the sockets of one path."""

    def __init__(self, channel, operations):
        self._seen = set()
        messages = channel["messages"]
        taken = {name for name, each in operations.items() if each["action"] == "receive"}
        self.taken = {name: Shape(messages[name]["payload"]) for name in taken}
        self.sent = {
            name: Shape(strict(each["payload"]))
            for name, each in messages.items()
            if name not in taken
        }
        self.replies = {
            name: [last(each) for each in operations[name]["reply"]["messages"]]
            for name in taken
            if "reply" in operations[name]
        }

    def check_sent(self, frame, command=None):
        """A frame of the server; `command`: what it answers, where that is known."""
        names = self.replies.get(command) or list(self.sent)
        known = (command, outline_of(ends(frame)))
        if not names or known in self._seen:
            return
        faults = {name: self.sent[name].fault(frame) for name in names}
        if None not in faults.values():
            raise AssertionError(f"{json.dumps(frame)[:500]} is none of {faults}")
        self._seen.add(known)

    def check_taken(self, frame, command):
        """A frame of the client that went well."""
        fault = self.taken[command].fault(frame) if command in self.taken else None
        assert fault is None, f"{json.dumps(frame)[:500]} was taken as {command}: {fault}"


def last(reference):
    return reference["$ref"].rpartition("/")[2]


class Connection(ClientConnection):
    """A socket whose frames are checked, those that it hears and those of its own that went well."""

    def __init__(self, protocol, *, channel, **more):
        super().__init__(protocol, **more)
        self.channel = channel
        self._asked = {}

    async def send(self, message, *more, **options):
        if self.channel is not None and isinstance(message, str):
            frame = read(message)
            if isinstance(frame, dict) and isinstance(frame.get("id"), int | str):
                self._asked[frame["id"]] = frame
        await super().send(message, *more, **options)

    async def recv(self, *more, **options):
        message = await super().recv(*more, **options)
        if self.channel is not None and isinstance(message, str):
            frame = read(message)
            asked = self._asked.pop(frame["id"], None) if "ok" in frame else None
            command = asked and asked["do"]
            self.channel.check_sent(frame, command)
            if asked:
                self.channel.check_taken(asked, command)
        return message


def read(text):
    """JSON, None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def watching(server, path):
    """What makes the connections of a client to that path."""
    dialects = house_of(server).dialects.values()
    key = tuple((each.path, type(each)) for each in dialects)
    channel = once(described, key, lambda: channels_of(dialects)).get(path)
    return functools.partial(Connection, channel=channel)
