import hmac
import time
from pathlib import Path

BADGE = Path(__file__).parents[1] / "plugins" / "badge.py"
SECRET = "sixteen-letters-and-more"
CONFIG = {"plugins": {"badge": {"secret": SECRET, "tenant": "SHOP"}}}


def badge(user, seconds, secret=SECRET):
    said = f"{user}.{int(time.time() + seconds)}"
    return f"{said}.{hmac.new(secret.encode(), said.encode(), 'sha256').hexdigest()}"


async def test_a_badge_says_who_somebody_is(chat_server):
    async with chat_server(plugins=[BADGE], config=CONFIG) as chat:
        eve = await chat.connect(None, key=badge("eve", 3600))
        assert {name: eve.hello[name] for name in ("user", "name", "tenant")} == {
            "user": "eve", "name": "Eve", "tenant": "SHOP",
        }  # fmt: skip
        assert 3500 < eve.hello["key_ttl"] <= 3600


async def test_others_come_in_as_before(chat_server):
    async with chat_server(plugins=[BADGE], config=CONFIG) as chat:
        assert (await chat.connect("ann")).hello["user"] == "u-ann"


async def test_a_badge_that_has_ended_or_is_made_up_is_none(chat_server):
    async with chat_server(plugins=[BADGE, "chat_rooms"], config=CONFIG) as chat:
        for key in (badge("eve", -1), badge("eve", 3600, "another-secret-of-16"), "a.b.c"):
            answer = await chat.rest(key=key).get("/plugins/chat_rooms/rooms")
            assert (answer.status, answer.json["error"]["code"]) == (401, "unauthorized")
