"""The Prometheus metrics of all roles, in one place; each role's `/metrics` shows those that it moves."""

from prometheus_client import Counter, Gauge, Histogram

_ANSWER_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
_WORK_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)

CALLS_LIVE = Gauge("media_server_calls_live", "Calls now")
CALLS = Counter("media_server_calls", "Calls that ended", ["reason"])
TURNS = Counter("media_server_turns", "Turns of callers that ended", ["reason"])
ANSWER_SECONDS = Histogram(
    "media_server_answer_seconds",
    "From the end of the caller's speech to the first audible sample of the answer, by stage of the latency receipt: "
    "waited, words, think, voice, wire; total",
    ["stage"],
    buckets=_ANSWER_BUCKETS,
)
BARGE_INS = Counter(
    "media_server_barge_ins",
    "Times that a caller's voice silenced us, by what came of it: yielded, resumed",
    ["outcome"],
)
REFUSED = Counter("media_server_calls_refused", "Calls that were not admitted", ["reason"])
LOOP_LAG_SECONDS = Gauge("media_server_event_loop_lag_seconds", "How late the event loop's timers are, p95 of 5 s")
LOOP_BLOCK_SECONDS = Histogram(
    "media_server_event_loop_block_seconds",
    "Times that the event loop was blocked for more than 20 ms, and how long, since the role was ready",
    buckets=(0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
FRAMES_LATE = Counter("media_server_frames_late", "Frames sent after they were due by more than a packet time")
SAMPLES_DROPPED = Counter("media_server_samples_dropped", "Samples received and not used", ["reason"])
RECORDS_FAILED = Counter("media_server_records_failed", "Times that records of calls could not be written")
RECORDS_DROPPED = Counter("media_server_records_dropped", "Events of calls that were not kept, for want of room")
RECORDINGS = Counter("media_server_recordings", "Recordings of calls: complete, incomplete", ["outcome"])

WEBHOOKS = Counter(
    "media_server_webhooks", "Requests to business logic elsewhere: ok, or why the answer was of no use", ["outcome"]
)
WEBHOOK_SECONDS = Histogram(
    "media_server_webhook_seconds", "From such a request to its answer, or to giving up", buckets=_WORK_BUCKETS
)

ASR_DECODE_SECONDS = Histogram("media_server_asr_decode_seconds", "One decode of a recogniser", buckets=_WORK_BUCKETS)
ASR_INGEST_SECONDS = Histogram(
    "media_server_asr_ingest_seconds",
    "From an audio message to when voice activity detection has heard it",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0),
)
QUEUE_WAIT_SECONDS = Histogram(
    "media_server_queue_wait_seconds",
    "A job's wait for a worker of an engine",
    ["service", "lane"],
    buckets=_WORK_BUCKETS,
)
TTS_CLAUSE_SECONDS = Histogram(
    "media_server_tts_clause_seconds", "From a clause's turn to its audio", buckets=_WORK_BUCKETS
)
TTS_PHRASES = Counter("media_server_tts_phrases", "Clauses that were looked up in the cache: hit, miss", ["outcome"])
TTS_PHRASE_BYTES = Gauge("media_server_tts_phrase_bytes", "Of clauses that are kept on disk")
SESSIONS_LIVE = Gauge("media_server_sessions_live", "Streams now", ["service"])
SESSIONS_REFUSED = Counter("media_server_sessions_refused", "Streams refused for want of room", ["service"])

RELAYED = Counter(
    "media_server_relayed",
    "Requests and streams of clients that were passed on to engines: answered, or why not",
    ["route", "outcome"],
)

TWILIO_REFUSED = Counter(
    "media_server_twilio_refused", "Webhooks, streams and stream messages that were refused or ignored", ["reason"]
)
