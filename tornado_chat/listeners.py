"""Who listens: topic -> subscriptions, and person, group, tenant -> sessions.

Indices only; handing out is the hub's. Nothing here looks at a socket that was not asked for.
"""

from collections import Counter, defaultdict

from tornado_chat.messages import Message, Signal, Topic
from tornado_chat.session import Session, Subscription, Wire

Subscriptions = dict[Subscription, None]  # a set that keeps its order


class Listeners:
    """Sessions by person, subscriptions by topic, and the addressed ones by person and group."""

    def __init__(self) -> None:
        self._by_topic: dict[Topic, Subscriptions] = defaultdict(dict)
        self._by_tenant: dict[str, dict[str, Subscriptions]] = defaultdict(dict)
        self._by_group: dict[tuple[str, str], Subscriptions] = defaultdict(dict)
        self._by_user: dict[tuple[str | None, str], dict[Session, None]] = defaultdict(dict)
        self.session_counts: Counter[Wire] = Counter()
        self.subscription_count = 0

    @property
    def session_count(self) -> int:
        """Of all dialects."""
        return self.session_counts.total()

    @property
    def topic_count(self) -> int:
        """How many somebody has subscribed by name."""
        return len(self._by_topic)

    def enter(self, session: Session) -> None:
        """A session that was let in."""
        self.session_counts[session.dialect] += 1
        self._by_user[session.identity.tenant, session.identity.user_id][session] = None

    def leave(self, session: Session) -> None:
        """Its socket is gone, or ended by the house: it and its subscriptions are forgotten. May be
        called again."""
        for topic in list(session.subscriptions):
            self.unsubscribe(session, topic)
        session.outbox.close()
        person = (session.identity.tenant, session.identity.user_id)
        sessions = self._by_user.get(person, {})
        if sessions.pop(session, session) is None:
            self.session_counts[session.dialect] -= 1
        if not sessions:
            self._by_user.pop(person, None)

    def subscribe(self, session: Session, topic: Topic | None, position: int) -> Subscription:
        """Registers it behind at `position`; it gets live by `catch_up`. Replaces an older one.

        For a socket that is gone it is over before it begins: nothing is kept.
        """
        self.unsubscribe(session, topic)
        if topic is not None and (others := self._by_topic.get(topic)):
            topic = next(iter(others)).topic  # one object for all who listen to it
        subscription = Subscription(session, topic, position)
        if session.closed is not None:
            subscription.ended = True
            return subscription
        session.subscriptions[topic] = subscription
        self.subscription_count += 1
        for index, key in self._places(subscription):
            index.setdefault(key, {})[subscription] = None
        return subscription

    def unsubscribe(self, session: Session, topic: Topic | None) -> bool:
        """False where there was none."""
        subscription = session.subscriptions.pop(topic, None)
        if subscription is None:
            return False
        self.subscription_count -= 1
        subscription.ended, subscription.live = True, False  # also for a fan-out that is under way
        for index, key in self._places(subscription):
            place = index.get(key, {})
            place.pop(subscription, None)
            if not place:
                index.pop(key, None)
        return True

    def _places(self, subscription: Subscription) -> list[tuple[dict, object]]:  # type: ignore[type-arg]
        if subscription.topic is not None:
            return [(self._by_topic, subscription.topic)]
        identity = subscription.session.identity
        if identity.tenant is None:
            return []
        places: list[tuple[dict, object]] = [  # type: ignore[type-arg]
            (self._by_tenant[identity.tenant], identity.user_id)
        ]
        places += [(self._by_group, (identity.tenant, group)) for group in identity.groups]
        return places

    def whom(self, what: Message | Signal) -> list[Subscription]:
        """The subscriptions that it may be for: of its topic, and of all whom its audience names."""
        found = list(self._by_topic.get(what.topic, ()))
        people = self._by_tenant.get(what.topic.tenant)
        if not people:
            return found
        audience = what.audience
        if audience.everyone:
            return found + [each for person in people.values() for each in person]
        addressed: Subscriptions = {}
        members = what.members if isinstance(what, Message) else None
        wanted = members or audience.users
        few, many = (people, wanted) if len(people) < len(wanted) else (wanted, people)
        for user in few:  # `keys() & wanted` would walk all of a frozenset
            if user in many:
                addressed.update(people[user])
        for group in audience.groups:
            addressed.update(self._by_group.get((what.topic.tenant, group), {}))
        return [*found, *addressed]

    def sessions(self, tenant: str | None, user_id: str) -> list[Session]:
        """The open sessions of a person."""
        return list(self._by_user.get((tenant, user_id), ()))

    def all_sessions(self) -> list[Session]:
        """Everybody: for shutting down and for revoking, never per message."""
        return [session for sessions in self._by_user.values() for session in sessions]

    def subscribers(self, topic: Topic) -> list[Session]:
        """The sessions that subscribed the topic by its name."""
        return [subscription.session for subscription in self._by_topic.get(topic, ())]

    def hearers(self, topic: Topic) -> int:
        """How many sessions subscribed the topic by its name."""
        return len(self._by_topic.get(topic, ()))

    def of_tenant(self, tenant: str) -> list[Session]:
        """The open sessions of a company, the newest first: for who looks at it, never per message."""
        people = (each for (its, _), each in self._by_user.items() if its == tenant)
        found = [session for sessions in people for session in sessions]
        return sorted(found, key=lambda session: session.id, reverse=True)
