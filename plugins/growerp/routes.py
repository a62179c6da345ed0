"""Every resource of the face, in one list."""

from typing import Any

from . import authenticate, register, start_up
from .handler import Face, FaceHandler, NoSuchResource
from .messages import ChatMessage
from .notification import Notification
from .people import User
from .rooms import ChatRoom
from .wire import BASE

RESOURCES: list[type[FaceHandler]] = [
    ChatRoom,
    ChatMessage,
    Notification,
    authenticate.Login,
    authenticate.Authenticate,
    authenticate.Logout,
    authenticate.Password,
    register.Register,
    register.ResetPassword,
    register.CheckEmail,
    User,
    start_up.Companies,
    start_up.CompanyFromHost,
    start_up.BackendUrl,
    start_up.Uoms,
    start_up.MenuConfiguration,
    start_up.AppUsed,
]


def routes(face: Face) -> list[tuple[Any, ...]]:
    """The name of a class is that of its resource. What is below /rest/ and not here is not there."""
    shared = {"face": face}
    return [
        *((f"{BASE}/{resource.__name__}", resource, shared) for resource in RESOURCES),
        ("/status", start_up.Status, shared),
        (r"/rest(?:/.*)?", NoSuchResource, shared),
    ]
