"""The test kit for plugins: a real server on a free port, and people who talk to it."""
