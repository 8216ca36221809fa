"""What goes over a socket, in one place: every message and the shape of its payload.

The tables of docs/protocol.md and all of docs/asyncapi.json are made from it, and in tests every frame is held to it.
"""
