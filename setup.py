"""The package trees of the distribution; everything else about it stands in setup.cfg.

`plugins/` is installed as `tornado_chat_plugins`, `docs/` as `tornado_chat_docs`. setup.cfg can find
the packages of one tree only, and a list kept by hand forgets a folder sooner or later.
"""

from setuptools import find_namespace_packages, setup

CACHES = ["*__pycache__*"]
core = find_namespace_packages(include=["tornado_chat", "tornado_chat.*"], exclude=CACHES)
plugins = find_namespace_packages("plugins", exclude=CACHES)

setup(
    packages=[
        *core,
        "tornado_chat_plugins",
        *(f"tornado_chat_plugins.{name}" for name in plugins),
        "tornado_chat_docs",
    ],
    package_dir={"tornado_chat_plugins": "plugins", "tornado_chat_docs": "docs"},
)
