"""What GrowERP's front-end makes of an answer or a frame, as strictly as its Dart code does.

A model's `fromJson` casts (`as String?`, `as bool?`), takes a wrapper where there is one, fills in
defaults, and the screens then dereference without a guard. Whatever would throw there is Broken
here. Rules: growerp-contract sections 0, 1.7, 2.2 and 3.1 to 3.5.
"""

import json
import re

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
SENT_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000")
USER_GROUPS = {"GROWERP_M_SYSTEM", "GROWERP_M_EMPLOYEE", "GROWERP_M_ADMIN", "GROWERP_M_OTHER"}
ROLES = {"OrgInternal", "Customer", "Lead", "Supplier"}
NOTIFICATION_KEYS = [
    "topic",
    "subTopic",
    "sentDate",
    "notificationMessageId",
    "topicDescription",
    "message",
    "title",
    "link",
    "type",
    "persistOnSend",
    "showAlert",
    "alertNoAutoHide",
]
CHAT_KEYS = {"chatRoom", "fromUserId", "fromUserFullName", "content", "chatMessageId"}


class Broken(AssertionError):
    """The front-end would throw here."""


def need(fine, what):
    if not fine:
        raise Broken(what)


def cast(table, name, kind, *, needed=False):
    """`json['name'] as Kind?`; `needed`: a screen dereferences it."""
    value = table.get(name)
    need(not (needed and value is None), f"{name} is missing")
    exact = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    need(value is None or exact, f"{name}: {type(value).__name__} is no {kind.__name__}")
    return value


def text(table, name, *, needed=False, blank=True):
    value = cast(table, name, str, needed=needed)
    need(blank or value is None or value.strip(), f"{name} is empty")
    return value


def inside(json_, name):
    """`json['name'] ?? json`"""
    found = json_.get(name)
    found = json_ if found is None else found
    need(isinstance(found, dict), f"{name}: not an object")
    return found


def rows(table, name):
    """A list in its wrapper; absent is empty, a bare array is never read."""
    need(isinstance(table, dict), f"{name}: a bare array is not read")
    return cast(table, name, list) or []


def date_time(table, name):
    """DateTimeConverter: what it cannot read, such as a date alone, becomes null without a word."""
    value = text(table, name)
    need(value is None or DATE_TIME.fullmatch(value), f"{name}: not a time: {value!r}")


# Models


def company(json_, *, needed=False):
    body = inside(json_, "company")
    text(body, "partyId", needed=needed, blank=False)
    text(body, "name", needed=needed, blank=False)
    for name in ("ownerPartyId", "pseudoId", "email", "telephoneNr", "vatPerc", "salesPerc"):
        text(body, name)
    need(body.get("role") in {None, *ROLES}, "role: unknown")
    money = cast(body, "currency", dict)
    if money:
        text(money, "currencyId")
        text(money, "description")


def user(json_, *, names=False):
    body = inside(json_, "user")
    text(body, "userId", needed=True, blank=False)
    for name in ("partyId", "pseudoId", "email", "loginName", "fullName", "language", "locale"):
        text(body, name)
    text(body, "firstName", needed=True, blank=False)
    text(body, "lastName", needed=True)
    if names:
        text(body, "fullName", needed=True, blank=False)
        text(body, "loginName", needed=True, blank=False)
        need(body.get("userGroupId") in USER_GROUPS, "userGroupId: unknown")
    need(body.get("role") in {None, *ROLES}, "role: unknown")
    need(all(isinstance(app, str) for app in rows(body, "appsUsed")), "appsUsed: not texts")
    if body.get("company") is not None:
        company(body["company"])


def member(json_):
    body = inside(json_, "chatRoomMember")
    found = cast(body, "user", dict, needed=True)
    user(found)
    cast(body, "hasRead", bool)
    cast(body, "isActive", bool)


def room(json_):
    body = inside(json_, "chatRoom")
    text(body, "chatRoomId", needed=True, blank=False)
    text(body, "chatRoomName", needed=True, blank=False)
    text(body, "lastMessage")
    cast(body, "isPrivate", bool, needed=True)
    cast(body, "hasRead", bool, needed=True)
    for each in rows(body, "members"):
        member(each)


def message(json_):
    body = inside(json_, "chatMessage")
    found = cast(body, "chatRoom", dict, needed=True)
    text(found, "chatRoomId", needed=True, blank=False)
    text(body, "fromUserId")
    text(body, "fromUserFullName", needed=True)
    text(body, "chatMessageId", needed=True, blank=False)
    text(body, "content", needed=True)
    date_time(body, "creationDate")


def notification(json_):
    body = inside(json_, "notification")
    text(body, "topic", needed=True, blank=False)
    for name in ("topicDescription", "sentDate", "title", "link", "type"):
        text(body, name)
    said = cast(body, "message", dict)
    if said is not None:
        cast(said, "message", str)
    cast(body, "showAlert", bool)


def authenticate(json_):
    need("authenticate" in json_, "authenticate: no wrapper, which older front-ends insist on")
    body = json_["authenticate"]
    text(body, "moquiSessionToken")
    if set(body) == {"moquiSessionToken"}:
        return
    status = text(body, "loginStatus")
    text(body, "apiKey", blank=False)
    text(body, "classificationId", needed=True, blank=False)
    text(body, "ownerPartyId", needed=True)
    user(cast(body, "user", dict, needed=True), names=True)
    if status is None:
        company(cast(body, "company", dict, needed=True), needed=True)
    stats = cast(body, "stats", dict) or {}
    for name in stats:
        cast(stats, name, int)


def menu(json_):
    text(json_, "appId", needed=True)
    text(json_, "name", needed=True)
    for item in rows(json_, "menuItems"):
        text(item, "title", needed=True)
        cast(item, "sequenceNum", int, needed=True)
        for name in ("menuItemId", "route", "iconName", "widgetName", "itemKey"):
            text(item, name)


def each(name, model):
    def check(json_):
        for row in rows(json_, name):
            model(row)

    return check


def flags(json_):
    need(all(isinstance(value, bool) for value in json_.values()), "not a map of booleans")


def unit(json_):
    for name in ("uomId", "uomTypeId", "typeDescription", "abbreviation", "description"):
        text(json_, name)


def anything(json_):
    del json_


ANSWERS = {
    ("GET", "ChatRoom"): each("chatRooms", room),
    ("POST", "ChatRoom"): room,
    ("PATCH", "ChatRoom"): room,
    ("DELETE", "ChatRoom"): room,
    ("GET", "ChatMessage"): each("chatMessages", message),
    ("POST", "ChatMessage"): message,
    ("GET", "Notification"): each("notifications", notification),
    ("POST", "Notification"): notification,
    ("GET", "User"): each("users", user),
    ("GET", "Companies"): each("companies", company),
    ("GET", "CompanyFromHost"): company,
    ("POST", "Login"): authenticate,
    ("GET", "Authenticate"): authenticate,
    ("POST", "Password"): authenticate,
    ("POST", "Register"): authenticate,
    ("POST", "ResetPassword"): anything,
    ("POST", "AppUsed"): anything,
    ("GET", "CheckEmail"): flags,
    ("GET", "BackendUrl"): anything,
    ("GET", "Uoms"): each("uoms", unit),
    ("GET", "MenuConfiguration"): menu,
}


def without_null_at_the_top(json_):
    """As Moqui's RestApi answers: none at the top, none in the maps of a list at the top."""
    for name, value in json_.items():
        need(value is not None, f"{name}: null at the top")
        for row in value if isinstance(value, list) else []:
            need(not (isinstance(row, dict) and None in row.values()), f"{name}: a null in a row")


def check_answer(method, resource, answer):
    """Any answer of REST, good or bad."""
    need("Etag" not in answer.headers, "an ETag switches on the cache of the front-end")
    need(answer.headers.get("Cache-Control") == "no-store", "Cache-Control: no-store is missing")
    kind = answer.headers.get("Content-Type", "")
    if (method, resource) == ("POST", "Logout") and answer.code == 200:
        need(kind.startswith("text/plain"), "Logout alone answers text")
        return
    need(kind.startswith("application/json"), f"dio decodes only JSON, this is {kind!r}")
    body = json.loads(answer.body)
    need(isinstance(body, dict), "an answer is an object")
    if answer.code == 200:
        without_null_at_the_top(body)
        ANSWERS.get((method, resource), anything)(body)
    else:
        need(set(body) == {"errorCode", "errors"}, f"not the body of an error: {sorted(body)}")
        need(body["errorCode"] == answer.code, "errorCode is not the status")
        need(isinstance(body["errors"], str) and body["errors"].strip(), "errors: no text")


def check_chat_frame(frame):
    """ChatMessageBloc decodes every frame without a guard and dereferences its chatRoom."""
    need(isinstance(frame, str), "a binary frame")
    body = json.loads(frame)
    need(isinstance(body, dict), "a frame is an object")
    need(set(body) - {"creationDate"} == CHAT_KEYS, f"keys: {sorted(body)}")
    need(set(body["chatRoom"]) == {"chatRoomId"}, "chatRoom: more than its id")
    message(body)
    return body


def check_notification_frame(frame):
    need(isinstance(frame, str), "a binary frame")
    body = json.loads(frame)
    need(isinstance(body, dict) and "notification" not in body, "bare, not wrapped")
    need(list(body) == NOTIFICATION_KEYS, f"keys: {list(body)}")
    notification(body)
    need(isinstance(body["message"], dict), "message: not an object")
    text(body, "notificationMessageId")
    for name in ("persistOnSend", "showAlert", "alertNoAutoHide"):
        cast(body, name, bool, needed=True)
    need(body["type"] in {"info", "success", "warning", "danger"}, "type: unknown")
    sent = body["sentDate"]
    need(sent is None or SENT_DATE.fullmatch(sent), f"sentDate: {sent!r}")
    need((sent is None) == (body["notificationMessageId"] is None), "an id without a date")
    return body
