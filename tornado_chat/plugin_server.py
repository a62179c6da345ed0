"""The server as one plugin has it: the same, but all that is done by it carries the plugin's name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from tornado.web import Finish, HTTPError

from tornado_chat.errors import ChatError
from tornado_chat.messages import Audience, Message, Topic
from tornado_chat.plugin_api import PluginApi
from tornado_chat.plugins import Plugin
from tornado_chat.plugins.breaker import Breaker
from tornado_chat.plugins.calls import Calls, PluginFailed
from tornado_chat.plugins.turnstile import Turnstile
from tornado_chat.store import Tx

T = TypeVar("T")

WELL_SECONDS = 60.0  # a source that ran for so long has not failed again

log = logging.getLogger("tornado_chat.plugins")


class PluginServer(PluginApi):
    """What is not said here is the server's own."""

    def __init__(self, house: PluginApi, plugin: Plugin) -> None:
        self._house = house
        self.plugin = plugin
        self.turnstile = plugin.turnstile = Turnstile(
            plugin, lambda: house.store, lambda: (house.hub.mark, house.hub.accepted)
        )

        self.route = plugin.calls_of("route", words=(ChatError, HTTPError, Finish))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._house, name)

    def write(self, work: Callable[[Tx], T]) -> "asyncio.Future[T]":
        return self.turnstile.write(work)

    async def publish(
        self,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        audience: Audience | None = None,
        sender: str | None = None,
        sender_name: str | None = None,
    ) -> Message | None:
        message = await self.broker.publish(
            topic,
            data,
            audience=audience,
            sender=sender,
            sender_name=sender_name,
            store=self.turnstile,
        )
        if message is None:  # a signal: nothing was waited for, and others want their turn
            await asyncio.sleep(0)
        return message

    def spawn(
        self, coroutine: Coroutine[Any, Any, None], *, name: str | None = None
    ) -> "asyncio.Task[None]":
        calls = self.plugin.calls_of("task", 0.0, words=())

        async def run() -> None:
            try:
                await calls.run(lambda: coroutine)
            except PluginFailed as failure:
                if isinstance(failure.cause, Exception):
                    raise failure.cause from None
                raise  # a SystemExit would end the loop

        task = self.background.spawn(run(), name=name, said=True)
        task.add_done_callback(lambda _task: coroutine.close())  # it may not have begun
        return task

    def run_once(self, name: str, source: Callable[[int], Awaitable[None]]) -> "asyncio.Task[None]":
        """One that raises is set aside and started again; one that returns is done."""
        calls = self.plugin.calls_of(f"source.{name}", 0.0, words=())
        return self._house.run_once(
            f"{self.plugin.name}.{name}", lambda lease: self._go_on(name, source, lease, calls)
        )

    async def _go_on(
        self, name: str, source: Callable[[int], Awaitable[None]], lease: int, calls: Calls
    ) -> None:
        breaker = Breaker()

        def well() -> None:
            if breaker.went_well():
                log.info("plugin %r source %s works again", self.plugin.name, name)

        while True:
            runs_well = asyncio.get_running_loop().call_later(WELL_SECONDS, well)
            try:
                await calls.run(source, lease)
                return
            except PluginFailed:
                pause = breaker.failed()
            finally:
                runs_well.cancel()
            text = f"source {name} is set aside, and started again after {pause:g} s"
            self.plugin.say(f"source {name}", text)
            calls.set_aside = True
            await asyncio.sleep(pause)
            calls.set_aside = False
