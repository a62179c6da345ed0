"""The Python client: the native protocol as one object, and the GrowERP sockets as their front-end.

    async with connect("http://127.0.0.1:8080", key) as chat:
        await chat.publish("room:100205", {"content": "Lunch?"})
        async for message in chat.subscribe("room:100205", since="start"):
            print(message.sender_name, message.data["content"])

It stands on the `websockets` library and on nothing of the server's.
"""

from tornado_chat.client.chat import Chat, State, connect
from tornado_chat.client.errors import ChatError, Closed, QueueFull, Unauthorized
from tornado_chat.client.growerp import Stream, WsClient
from tornado_chat.client.signals import Signals
from tornado_chat.client.subscription import Subscription
from tornado_chat.client.values import Message, Page, Position, Seen, Sent, Signal

__all__ = [
    "Chat",
    "ChatError",
    "Closed",
    "Message",
    "Page",
    "Position",
    "QueueFull",
    "Seen",
    "Sent",
    "Signal",
    "Signals",
    "State",
    "Stream",
    "Subscription",
    "Unauthorized",
    "WsClient",
    "connect",
]
