"""Asyncio shells; each makes one wire a `MediaPort`."""
