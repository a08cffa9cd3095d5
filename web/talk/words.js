// @ts-check
/** The server's short words in longer ones. */

/** Why a turn of the caller's was over. @type {Record<string, string>} */
const TURN_ENDS = {
  complete: "the sentence sounded finished",
  slot: "all that was asked for was said",
  silence: "the silence was long enough",
  limit: "the turn was as long as turns may be",
  finalize: "the dialplan asked for what was said so far",
  close: "the call ended",
  typed: "it was typed",
};

/** Why a call was over. @type {Record<string, string>} */
const CALL_ENDS = {
  completed: "The conversation came to its end.",
  caller_hangup: "You hung up.",
  closed: "The connection was closed.",
  no_answer: "Your answers were not understood, so the call ended.",
  dialplan_error: "The dialplan has a fault, so the call ended. The server's log names the line.",
  internal_error: "The server has a fault, so the call ended. Its log says more.",
  deadline_exceeded: "Something on the server took too long, so the call ended.",
  limit: "The call was as long as calls may be.",
  shutdown: "The server is being shut down.",
  hung_up_by_operator: "Somebody at the server ended the call.",
  transferred: "The call was transferred.",
  media_timeout: "No sound came through for too long.",
  peer_not_reading: "This page did not keep up with the call.",
  too_many_messages: "This page sent too much at once.",
  protocol_error: "The server did not understand this page. Reload it.",
  engine: "The speech engines failed, so the call ended.",
  engine_refused: "The speech engines refused the call.",
  engine_unavailable: "The speech engines do not answer, so the call ended.",
};

/** Ends that are not meant by anybody: the page calls again. */
const LOST = new Set(["connection_lost", "media_timeout", "closed"]);

/** @param {string} reason */
export function endOfTurn(reason) {
  return TURN_ENDS[reason] ?? reason.replaceAll("_", " ");
}

/** @param {string} reason */
export function endOfCall(reason) {
  return CALL_ENDS[reason] ?? `The call ended: ${reason.replaceAll("_", " ")}.`;
}

/** @param {string} reason */
export function isLoss(reason) {
  return LOST.has(reason);
}
