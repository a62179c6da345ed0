"""The doors: HTTP and WebSocket. Nothing in here decides who may do what."""
