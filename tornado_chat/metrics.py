"""What `/metrics` shows: figures that are kept anyway, put together when somebody asks for them.

Imported at the first scrape, for prometheus_client. docs/reference/metrics.md has a heading for each.
Labels have few values, all known from the start: never a topic, a person or the path of a request.
"""

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tornado_chat.turns import BOUNDS, Loop

if TYPE_CHECKING:
    from tornado_chat.app import Server
    from tornado_chat.web.house import House

PREFIX = "tornado_chat_"

Labelled = Mapping[Any, float]  # by the values of the labels, a tuple of texts


async def scrape(server: "Server", house: "House", accept: str) -> tuple[bytes, str]:
    """The text, and its Content-Type: of OpenMetrics where `accept` says so, else of Prometheus.

    On the loop only what is of the loop is read, and nothing for each socket. The rest, which
    walks the open files of the process, is a thread's."""
    encode, content_type = choose_encoder(accept)
    figures = list(figures_of(server, house))
    return await asyncio.to_thread(encode, Scrape(figures)), content_type


class Scrape(Collector):
    """The figures of a moment, and those that the process has by itself."""

    def __init__(self, figures: Iterable[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._figures
        yield from ProcessCollector(registry=None).collect()


def figures_of(server: "Server", house: "House") -> Iterator[Metric]:
    """All of ours."""
    yield from of_the_server(server)
    yield from of_sessions(server, house)
    yield from of_delivery(server)
    yield from of_the_store(server)
    yield from of_plugins(server)
    yield counter(
        "http_requests_total",
        "HTTP requests answered.",
        {(str(status),): count for status, count in house.answers.items()},
        "status",
    )
    yield turns_of(asyncio.get_running_loop())


def of_the_server(server: "Server") -> Iterator[Metric]:
    """What it is, and whether it should be sent work."""
    about = {
        "version": own_version(),
        "python": platform.python_version(),
        "durability": server.store.durability,
    }
    yield InfoMetricFamily(f"{PREFIX}build", "What runs here.", value=about)
    yield gauge("ready", "1 while the server should be sent work.", server.ready)


def of_sessions(server: "Server", house: "House") -> Iterator[Metric]:
    """Who is there."""
    hub, sockets = server.hub, server.sockets
    open_now = {(each.path,): hub.session_counts[each] for each in house.dialects.values()}
    ended = {(path, str(code or "other")): n for (path, code), n in sockets.ended.items()}
    yield gauge("sessions", "Open sessions.", open_now, "dialect")
    yield counter("sessions_ended_total", "Sessions that ended.", ended, "dialect", "code")
    yield gauge(
        "unauthenticated_sockets", "Sockets that have not said who they are.", sockets.strangers()
    )
    yield gauge("subscriptions", "Subscriptions of open sessions.", hub.subscription_count)
    yield gauge("topics", "Topics that somebody has subscribed by name.", hub.topic_count)


def of_delivery(server: "Server") -> Iterator[Metric]:
    """From the commit to the sockets."""
    hub, budget = server.hub, server.sockets.budget
    yield gauge("log_head", "Last offset of the log that is known here.", hub.accepted)
    yield gauge("messages_waiting", "Messages and signals to be handed out.", hub.waiting)
    yield counter("deliveries_total", "Subscriptions that were handed something.", hub.looked_at)
    yield counter("encodings_total", "Frames encoded for a fan-out.", hub.encoded)
    yield gauge("sessions_behind", "Sessions that catch up from the log.", server.catch_up.behind)
    yield gauge("outbox_bytes", "Bytes that wait for sockets to take them.", budget.used)
    yield gauge("outbox_limit_bytes", "The most that may wait, 0 for no limit.", budget.limit)
    yield gauge("outboxes_waiting", "Sockets that have not taken all yet.", len(budget.waiting))


def of_the_store(server: "Server") -> Iterator[Metric]:
    """What is written and read, and who reads the log by himself."""
    store, writer = server.store, server.store.writer
    yield counter("messages_total", "Messages committed by this process.", server.broker.messages)
    yield counter("store_commits_total", "Transactions committed.", writer.commits if writer else 0)
    yield counter("store_reads_total", "Reads that the store was asked for.", store.reads)
    yield gauge("store_writes_waiting", "Writes to be committed.", writer.waiting if writer else 0)
    refused = writer.refused if writer else 0
    yield counter("store_writes_refused_total", "Writes that the store refused.", refused)
    yield gauge("store_writable", "1 while the store has a writer.", store.writable)
    sizes = {(name,): size for name, size in store.sizes().items()}
    yield gauge("store_bytes", "Size of the files of the store.", sizes, "file")
    lag = {
        (each.plugin.name, each.consumer.name): max(server.hub.accepted - each.stored, 0)
        for each in server.consumers.runners
    }
    text = "Messages of the log between its head and the position of a consumer."
    yield gauge("consumer_lag", text, lag, "plugin", "consumer")


def of_plugins(server: "Server") -> Iterator[Metric]:
    """What each plugin does, and what it costs the others."""
    plugins = list(server.plugins)
    # A hook that is called for the first time, perhaps by another thread, adds itself
    calls = {(each.name, hook): of for each in plugins for hook, of in dict(each.calls).items()}

    def by_hook(what: str) -> Labelled:
        return {where: getattr(each, what) for where, each in calls.items()}

    where = ("plugin", "hook")
    yield counter("plugin_calls_total", "Calls that have ended.", by_hook("count"), *where)
    yield counter("plugin_failures_total", "Calls that failed.", by_hook("failures"), *where)
    yield counter("plugin_call_seconds_total", "Time of calls.", by_hook("seconds"), *where)
    yield gauge("plugin_longest_call_seconds", "The longest call.", by_hook("longest"), *where)
    yield counter("plugin_held_total", "Steps that held everybody up.", by_hook("held"), *where)
    aside = "1 while it is not called because it failed again and again."
    yield gauge("plugin_set_aside", aside, by_hook("set_aside"), *where)
    lost = {(each.name,): each.lost for each in plugins}
    yield counter("plugin_lost_events_total", "Events that were lost.", lost, "plugin")
    waiting = {(name,): count for name, count in server.plugins.observers.waiting().items()}
    yield gauge("plugin_waiting_events", "Events to be told.", waiting, "plugin")
    doors = {(each.name,): each.turnstile for each in plugins if each.turnstile}
    waiting = {where: each.waiting for where, each in doors.items()}
    yield gauge("plugin_waiting_writes", "Writes that wait for others.", waiting, "plugin")
    delayed = {where: each.delayed for where, each in doors.items()}
    yield counter("plugin_delayed_writes_total", "Writes that had to wait.", delayed, "plugin")


def turns_of(loop: asyncio.AbstractEventLoop) -> Metric:
    """Nothing where the loop does not count them."""
    family = HistogramMetricFamily(
        f"{PREFIX}loop_turn_seconds", "Turns of the event loop: so long everybody else waited."
    )
    if isinstance(loop, Loop):
        bounds = [*map(str, BOUNDS), "+Inf"]
        counted = loop.counted
        buckets = list(zip(bounds, accumulate(counted.turns), strict=True))
        family.add_metric([], buckets, counted.busy)
    return family


def gauge(name: str, text: str, found: float | Labelled, *labels: str) -> Metric:
    """What goes up and down."""
    return filled(GaugeMetricFamily(PREFIX + name, text, labels=labels), found)


def counter(name: str, text: str, found: float | Labelled, *labels: str) -> Metric:
    """What only grows, from 0 at the start of the process."""
    return filled(CounterMetricFamily(PREFIX + name, text, labels=labels), found)


def filled(family: GaugeMetricFamily | CounterMetricFamily, found: float | Labelled) -> Metric:
    add: Callable[..., None] = family.add_metric
    for values, number in found.items() if isinstance(found, Mapping) else [((), found)]:
        add(values, number)
    return family


@cache
def own_version() -> str:
    """Of the installed distribution."""
    return version("tornado_chat")
