"""The hooks that see traffic, resolved to plain functions: filters, vetoes, authenticators.

An error of the house's tree is the plugin's word; anything else that a plugin raises is contained,
counted and logged with its name. None of these goes through pluggy, whose calls cost 25 times as
much and end at the first that raises.
"""

import types
from functools import partial, wraps

from tornado_chat.errors import ChatError, Denied, Unauthorized, Unavailable
from tornado_chat.messages import Credentials, Draft, Identity, Topic
from tornado_chat.plugins.calls import PluginFailed, WrongType
from tornado_chat.plugins.source import Hook, Plugin


class Guard:
    """One plugin's function for one hook."""

    name: str
    expects: tuple[type, ...] | None = None
    words: tuple[type[ChatError], ...] = (ChatError,)

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self._hook = plugin.hooks[self.name]
        self._calls = plugin.calls_of(self.name, expects=self.expects, words=self.words)


class Filter(Guard):
    """`filter_message`: fails closed. A filter that an odd message can crash must not let it
    through, so the message is refused; the next one is tried again."""

    name = "filter_message"

    def __init__(self, plugin: Plugin) -> None:
        super().__init__(plugin)
        self._function = wraps(self._hook.function)(partial(checked, self._hook))

    def __call__(self, draft: Draft) -> Draft:
        """The draft as the plugin wants it. Raises Denied, or Unavailable where it failed."""
        try:
            return self._calls.run_now(self._function, draft)  # type: ignore[no-any-return]
        except PluginFailed:
            raise Unavailable(
                f"publish {draft.topic.name}: plugin {self.plugin.name!r} could not check it"
            ) from None


def checked(hook: Hook, draft: Draft) -> Draft:
    """What a filter makes of a draft, if it changed only what it may."""
    changed = hook(message=draft)
    if changed is None or changed is draft:
        return draft
    if not isinstance(changed, Draft):
        raise WrongType(f"gave {type(changed).__name__}, expected Draft or None")
    fixed = (changed.topic, changed.sender, changed.key, changed.pair, changed.digest)
    if fixed != (draft.topic, draft.sender, draft.key, draft.pair, draft.digest):
        raise ValueError("filter_message may change data, audience and sender_name only")
    return changed


class Veto(Guard):
    """`authorize`: fails closed, as every check of permission."""

    name = "authorize"

    async def __call__(self, identity: Identity, action: str, topic: Topic) -> bool:
        """Whether the plugin leaves it allowed: only its False forbids. Raises what it raises of
        the house's errors, and Unavailable where it failed or took too long."""
        try:
            answer = await self._calls.run(
                self._hook, identity=identity, action=action, topic=topic
            )
        except PluginFailed:
            raise Unavailable(
                f"{action} {topic.name}: plugin {self.plugin.name!r} could not check it"
            ) from None
        return answer is not False


class Authenticator(Guard):
    """`authenticate`: one that fails has no opinion, but its failure is not forgotten."""

    name = "authenticate"
    expects = (Identity, types.NoneType)
    words = (Denied, Unauthorized)

    async def __call__(self, credentials: Credentials) -> Identity | None:
        """Who it is. Raises Denied or Unauthorized where the plugin ends the search, and
        Unavailable where it failed."""
        try:
            answer: Identity | None = await self._calls.run(self._hook, credentials=credentials)
        except PluginFailed:
            raise Unavailable("who you are cannot be looked up now, try again later") from None
        return answer


async def authenticate(
    authenticators: tuple[Authenticator, ...], credentials: Credentials
) -> Identity | None:
    """The first answer of a plugin; None where none knows them.

    Raises Unavailable where none knows them and one failed: they may be good all the same, and a
    client that is told they are not forgets its key.
    """
    failure: Unavailable | None = None
    for ask in authenticators:
        try:
            identity = await ask(credentials)
        except Unavailable as error:
            failure = error
            continue
        if identity is not None:
            return identity
    if failure is not None:
        raise failure
    return None
