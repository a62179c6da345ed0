"""The plugins that come with tornado_chat, installed as `tornado_chat_plugins`.

They use nothing that a plugin of a third party could not use: the public names of `tornado_chat`.
"""
