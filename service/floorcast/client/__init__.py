"""A small asyncio client of the stream."""
