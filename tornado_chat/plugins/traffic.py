"""The hooks that see traffic, resolved to plain functions: filters, vetoes, authenticators.

An error of the house's tree is the plugin's word; anything else that a plugin raises is contained,
counted and logged with its name. None of these goes through pluggy, whose calls cost 25 times as
much and end at the first that raises.
"""

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any

from tornado_chat.errors import ChatError, Denied, Unauthorized, Unavailable
from tornado_chat.messages import Credentials, Draft, Identity, Topic
from tornado_chat.plugins.source import Plugin

ANSWER_SECONDS = 10.0  # how long a plugin may think about a person or a veto


CANCEL_SECONDS = 1.0  # for what took too long to end


class Stuck(TimeoutError):
    """It took too long and did not end when it was cancelled either."""


async def within(answer: Awaitable[Any], seconds: float) -> Any:
    """What it answers, at most so many seconds later, also where it ignores its cancellation.

    Raises TimeoutError, of it Stuck where it runs on.
    """
    task = asyncio.ensure_future(answer)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done and not task.cancelled():
            return task.result()
        if not done:
            task.cancel()
            ended, _ = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
            if not ended:
                raise Stuck
        raise TimeoutError
    finally:
        if not task.done():
            task.cancel()
        task.add_done_callback(lambda task: task.cancelled() or task.exception())


class Guard:
    """One plugin's function for one hook."""

    name: str
    seconds = ANSWER_SECONDS

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self._hook = plugin.hooks[self.name]

    async def _answer(self, **given: Any) -> Any:
        answer = self._hook(**given)
        return await within(answer, self.seconds) if inspect.isawaitable(answer) else answer


class Filter(Guard):
    """`filter_message`: fails closed. A filter that an odd message can crash must not let it
    through, so the message is refused; the next one is tried again."""

    name = "filter_message"

    def __call__(self, draft: Draft) -> Draft:
        """The draft as the plugin wants it. Raises Denied, or Unavailable where it failed."""
        try:
            changed = self._hook(message=draft)
            if changed is None or changed is draft:
                return draft
            return checked(draft, changed)
        except ChatError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self.plugin.failed(self.name, error)
            raise Unavailable(
                f"publish {draft.topic.name}: plugin {self.plugin.name!r} could not check it"
            ) from None


def checked(draft: Draft, changed: Any) -> Draft:
    """What a filter gave back, if it changed only what it may."""
    if not isinstance(changed, Draft):
        raise TypeError(f"filter_message gave {type(changed).__name__}, expected Draft or None")
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
            return await self._answer(identity=identity, action=action, topic=topic) is not False
        except ChatError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self.plugin.failed(self.name, error)
            raise Unavailable(
                f"{action} {topic.name}: plugin {self.plugin.name!r} could not check it"
            ) from None


class Authenticator(Guard):
    """`authenticate`: one that fails has no opinion, but its failure is not forgotten."""

    name = "authenticate"

    async def __call__(self, credentials: Credentials) -> Identity | None:
        """Who it is. Raises Denied or Unauthorized where the plugin ends the search, and
        Unavailable where it failed."""
        try:
            answer = await self._answer(credentials=credentials)
            if answer is None or isinstance(answer, Identity):
                return answer
            raise TypeError(f"authenticate gave {type(answer).__name__}, expected Identity or None")
        except (Denied, Unauthorized):
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self.plugin.failed(self.name, error)
            raise Unavailable("who you are cannot be looked up now, try again later") from None


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
