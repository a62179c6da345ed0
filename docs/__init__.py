"""These pages, installed as the package `tornado_chat_docs`: `tornado-chat docs` shows them."""
