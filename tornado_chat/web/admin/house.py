"""What the whole server has: its plugins, and the configuration in force."""

from tornado_chat.config.shown import shown
from tornado_chat.web.admin.door import Door
from tornado_chat.web.admin.shapes import ConfigurationAnswer, PluginsAnswer
from tornado_chat.web.api import describe
from tornado_chat.web.health import HEALTH

ABOUT = ("version", "requires", "kinds", "mount", *HEALTH)


class PluginList(Door):
    @describe("Lists plugins and how they do", answer=PluginsAnswer)
    def get(self) -> None:
        found = self.server.plugins.describe()
        self.answer(
            {
                "plugins": [each["name"] for each in found],
                "plugin_health": {
                    each["name"]: {name: each[name] for name in ABOUT} for each in found
                },
            }
        )


class InForce(Door):
    @describe("Shows the configuration in force", answer=ConfigurationAnswer)
    def get(self) -> None:
        """Without secrets, and without what is other companies'."""
        config = self.server.config
        sections = [(each.name, each.schema, each.config) for each in self.server.plugins]
        self.answer(
            {
                "file": str(config.path) if config.path else None,
                "configuration": shown(config, sections, self.tenant),
            }
        )
