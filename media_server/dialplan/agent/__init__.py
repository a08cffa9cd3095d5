"""An agent: a language model that talks to the caller, by any OpenAI-compatible chat API.

`agent.py` is what an author uses; `talk.py` one conversation of it, `reply.py` one answer. `sse.py`, `chat_stream.py`,
`thoughts.py` and `history.py` are pure; `chat_api.py`, `http_tool.py` and `mcp_tools.py` are the shells.
"""
