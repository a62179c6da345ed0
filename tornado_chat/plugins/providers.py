"""The providers of topics as the house asks them: each call counted, timed, contained."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import orjson

from tornado_chat.errors import NotFound, SetupError
from tornado_chat.messages import Audience, Draft, Identity, Message, Posted, Topic
from tornado_chat.plugins.calls import Calls, PluginFailed, WrongType, line_of
from tornado_chat.plugins.checks import check_provider
from tornado_chat.plugins.faults import boot_error, ends_all
from tornado_chat.plugins.source import Plugin
from tornado_chat.store.members import Read
from tornado_chat.topics import KIND, Action, TopicProvider, is_history

if TYPE_CHECKING:
    from tornado_chat.store.transaction import Tx

Visible = Callable[[Identity, Message], bool]

STOP_SECONDS = 10.0


class Asked:
    """A plugin's provider, asked: the methods of `TopicProvider`, which raise ChatErrors alone.

    `selects`: it has a `visible` of its own; `writes`: an `append_in`; `clears`: a `pruned_in`. What
    it has not costs no call.
    """

    authorize: Callable[[Identity, Action, Topic], Awaitable[bool]]
    receive: Callable[[Identity, Topic, Mapping[str, Any]], Awaitable[dict[str, Any]]]
    snapshot: Callable[[Identity, Topic], Awaitable[bytes]]
    seen: Callable[[Identity, Topic, int], Awaitable[Read]]
    audience: Callable[[Topic], Audience]
    append_in: Callable[["Tx", Draft], Posted]
    pruned_in: Callable[["Tx", Sequence[Message]], None]
    visible: Visible

    def __init__(self, provider: TopicProvider, plugin: Plugin) -> None:
        self.provider = provider
        self.plugin = plugin
        self.kind = provider.kind
        self.history = provider.history
        self.selects = self._has("visible")
        self.writes = self._has("append_in")
        self.clears = self._has("pruned_in")
        self.authorize = partial(self._calls("authorize", bool).run, provider.authorize)
        self.receive = partial(self._calls("receive", dict).run, provider.receive)
        self.snapshot = partial(self._calls("snapshot").run, written(provider.snapshot))
        self.seen = partial(self._calls("seen", Read).run, provider.seen)
        self.append_in = partial(
            self._calls("append_in", Posted, on_writer=True).run_now, provider.append_in
        )
        self.pruned_in = partial(
            self._calls("pruned_in", on_writer=True).run_now, provider.pruned_in
        )
        self.audience = provider.audience
        if self._has("audience"):
            self.audience = partial(self._calls("audience", Audience).run_now, provider.audience)
        self.visible = provider.visible
        if self.selects:
            self.visible = quick(provider.visible, plugin, "topic.visible")

    def _has(self, method: str) -> bool:
        return getattr(type(self.provider), method) is not getattr(TopicProvider, method)

    def _calls(self, method: str, expects: type | None = None, *, on_writer: bool = False) -> Calls:
        return self.plugin.calls_of(f"topic.{method}", expects=expects, on_writer=on_writer)

    async def start(self) -> None:
        """Raises SetupError that names plugin, file and line."""
        try:
            await self.provider.start()
        except BaseException as error:
            if ends_all(error):
                raise
            stage = f"in start of the topics of kind {self.kind!r}"
            at = line_of(self.provider.start)
            raise boot_error(self.plugin.name, stage, error, self.plugin.file, at) from error

    async def stop(self) -> None:
        """One that fails or hangs does not keep the rest from being closed."""
        calls = self.plugin.calls_of("topic.stop", STOP_SECONDS, words=())
        with contextlib.suppress(PluginFailed):
            await calls.run(self.provider.stop)


def written(
    snapshot: Callable[[Identity, Topic], Awaitable[object]],
) -> Callable[[Identity, Topic], Awaitable[bytes]]:
    """The same as JSON, so that what is none is the provider's failure."""

    @wraps(snapshot)
    async def write(identity: Identity, topic: Topic) -> bytes:
        state = await snapshot(identity, topic)
        try:
            return orjson.dumps(state)
        except TypeError as error:  # its text names a type or a limit, and quotes nothing
            raise WrongType(f"gave what is no JSON: {error}") from None

    return write


def quick(visible: Visible, plugin: Plugin, hook: str) -> Visible:
    """The same, where only failures are counted: it is asked for each delivery, and a look at the
    clock would be what costs most. Who fails is shown nothing."""
    plugin.calls_of(hook)

    def ask(identity: Identity, message: Message) -> bool:
        try:
            return visible(identity, message)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            plugin.failed(hook, error, line_of(visible))
            return False

    return ask


class Registry:
    """Who owns which kind of topic."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}

    def add(self, provider: TopicProvider, plugin: Plugin) -> None:
        """Raises SetupError for a kind that is taken or is no name."""
        owner = plugin.name
        if not isinstance(provider, TopicProvider):
            raise SetupError(
                f"plugin {owner!r}: register_topics gave {provider!r}, expected an object of a "
                "class deriving from TopicProvider"
            )
        kind = provider.kind
        if not is_history(provider.history):
            raise SetupError(
                f"plugin {owner!r}: history of the kind {kind!r} is {provider.history!r}, expected "
                "None, a number of messages, or a timedelta"
            )
        if kind and not KIND.fullmatch(kind):
            raise SetupError(
                f"plugin {owner!r}: {kind!r} is no kind of topic: lower-case letters, digits and "
                "underscores, at most 32"
            )
        if kind in self._asked:
            what = f"topics of the kind {kind!r}" if kind else "the plain topics"
            raise SetupError(
                f"plugins {self._asked[kind].plugin.name!r} and {owner!r} both claim {what}; "
                "name one of them in plugins.disabled"
            )
        check_provider(plugin, provider)
        self._asked[kind] = Asked(provider, plugin)

    def of(self, topic: Topic) -> Asked:
        """The owner of the topic. Raises NotFound where no plugin owns its kind."""
        asked = self._asked.get(topic.kind)
        if asked is None:
            raise NotFound(f"topic {topic.name}: not there")
        return asked

    def provider(self, kind: str) -> TopicProvider:
        """The owner of the kind, as its plugin gave it. Raises SetupError that names those there are."""
        if kind not in self._asked:
            known = ", ".join(sorted(filter(None, self._asked))) or "none"
            raise SetupError(
                f"no plugin has topics of the kind {kind!r}, there are: {known}; "
                "all of them are there from register_routes on"
            )
        return self._asked[kind].provider

    def visibility(self, topic: Topic) -> Visible | None:
        """How the owner of a topic tells whether a person may see one of its messages; None where the
        audience alone says it."""
        asked = self._asked.get(topic.kind)
        if asked is None:  # its plugin was taken out, its messages are still in the log
            return lambda _identity, _message: False
        return asked.visible if asked.selects else None

    def kinds(self) -> dict[str, str]:
        """Each kind with the plugin that owns it; the plain names as the empty kind."""
        return {kind: asked.plugin.name for kind, asked in self._asked.items()}

    def __iter__(self) -> Iterator[Asked]:
        """The providers in the order in which they were registered."""
        return iter(self._asked.values())

    def __len__(self) -> int:
        return len(self._asked)
