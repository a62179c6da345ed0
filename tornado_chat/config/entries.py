"""What one writes as often as one likes: users, notification topics, sections of plugins."""

from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, post_load

from tornado_chat.config import values
from tornado_chat.config.check import Section
from tornado_chat.config.fields import (
    NAME,
    SOME,
    URL_SAFE,
    choice,
    file,
    flag,
    link,
    number,
    plain_name,
    text,
    texts,
)


class UserSchema(Section):
    """A person of the back-end local, created or updated at the start by `user_id`. Who came from
    here and is here no more is disabled; who only lives in the database stays.
    """

    makes = values.UserConfig
    user_id = fields.String(
        required=True,
        validate=NAME,
        metadata={"doc": "Stays the same for ever.", "example": "100021"},
    )
    login_name = text(
        None,
        "What is typed to log in, in any case; without it the user_id.",
        NAME,
        example="ann@shop.example",
    )
    full_name = text(
        None,
        "What others see; without it first and last name, else the login name.",
        SOME,
        example="Ann Maas",
    )
    first_name = text("", "Given name.", example="Ann")
    last_name = text("", "Family name.", example="Maas")
    email = text("", "Found by the search for people.", example="ann@shop.example")
    tenant = text(
        None, "The company; who is in none sees and reaches nothing.", NAME, example="SHOP"
    )
    groups = texts((), "Groups inside the tenant.", NAME, example="GROWERP_M_ADMIN")
    permissions = texts(
        (),
        "What is allowed beyond the usual: notify sends notifications, rooms removes members from "
        "rooms of others, status reads /metrics; plugins have words of their own. admin is all of "
        'these, and everything else inside the tenant; "*" is the same.',
        NAME,
        example="notify",
    )
    api_key = text(
        None,
        "A key that does not expire. Revoked, it stays so until another one stands here.",
        URL_SAFE,
        example={"env": "ANN_KEY"},
    )
    password = text(
        None,
        "Counts when the user is created; changed later by the person or `tornado-chat user`.",
        SOME,
        example={"file": "ann.password"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> values.UserConfig:
        data["login_name"] = data["login_name"] or data["user_id"]
        names = f"{data['first_name']} {data['last_name']}".strip()
        data["full_name"] = data["full_name"] or names or data["login_name"]
        return values.UserConfig(**data)


class Users(fields.List[Any]):
    """Users of whom no two share what tells them apart."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        users = tuple(super()._deserialize(*args, **kwargs))
        faults: dict[int, dict[str, list[str]]] = {}
        for name in ("user_id", "login_name", "api_key"):
            first: dict[str, int] = {}
            for at, user in enumerate(users):
                value = getattr(user, name)
                if value is None:
                    continue
                before = first.setdefault(value.casefold() if name == "login_name" else value, at)
                if before != at:
                    faults.setdefault(at, {})[name] = [f"the same as of users[{before}]"]
        if faults:
            raise ValidationError(faults)
        return users


class TopicSchema(Section):
    """What a notification topic says where the sender does not. `${name}` is replaced by the field
    of the notification's message.
    """

    makes = values.TopicConfig
    description = text(None, "What the topic is for.", example="Order changes")
    title = text(None, "Template of the title.", example="Order ${orderId} ${status}")
    error_title = text(
        None, "The same where the type is danger.", example="Order ${orderId} failed"
    )
    link = text(
        None,
        "Template of the link: http(s), or a path that begins with one /.",
        link,
        example="/orders/${orderId}",
    )
    type = choice("info", "How it is shown.", "info", "success", "warning", "danger")
    show_alert = flag("Whether it asks for attention.")
    alert_no_auto_hide = flag("Whether it stays until somebody closes it.")
    persist = flag("Whether it is listed later, with the times it was sent and viewed.")
    receive = flag("Whether people get it who did not say; each may choose.", default=True)


class PluginsSchema(Section):
    """Which plugins there are. A plugin's own keys stand in [plugins.NAME] and are checked by its
    own schema; `mount = "/"` there lets its routes begin at the root.
    """

    makes = values.PluginsConfig
    rest = "sections"
    directory = file(
        Path("plugins"),
        "A folder with plugins of one's own, each a module or a package. It need not be there.",
    )
    disabled = texts((), "Names of plugins that are not loaded.", NAME, example="order_list")
    call_seconds = number(
        10.0,
        "A plugin that has not answered for so many seconds is not waited for any longer: whoever "
        "asked is told that it is unavailable. 0: no limit.",
    )
    sections = fields.Dict(
        fields.String(validate=NAME), fields.Dict(fields.String()), load_default=dict
    )


def users() -> Users:
    return Users(fields.Nested(UserSchema), load_default=())


def topics() -> fields.Dict:
    return fields.Dict(
        fields.String(validate=plain_name),
        fields.Nested(TopicSchema),
        load_default=dict,
        metadata={"example": "OrderUpdate"},
    )
