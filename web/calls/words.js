// @ts-check
/** What stands in lists of calls, in words. Pure. */

/** Why a call was over. @type {Record<string, string>} */
const ENDS = {
  completed: "Completed",
  caller_hangup: "Caller hung up",
  closed: "Connection closed",
  connection_lost: "Connection lost",
  no_answer: "No answer that fits",
  dialplan_error: "Dialplan failed",
  internal_error: "Server fault",
  deadline_exceeded: "Took too long",
  limit: "Time limit",
  shutdown: "Server went down",
  server_crash: "Server died",
  hung_up_by_operator: "Hung up by operator",
  transferred: "Transferred",
  media_timeout: "No sound arrived",
  busy: "Busy",
  failed: "Could not connect",
  canceled: "Cancelled",
  engine: "Speech engine failed",
  engine_refused: "Speech engine refused",
  engine_unavailable: "No speech engine",
};

/** Ends that somebody should look at. */
const TROUBLE = new Set([
  "connection_lost", "dialplan_error", "internal_error", "deadline_exceeded", "server_crash", "media_timeout", "failed",
  "engine", "engine_refused", "engine_unavailable",
]);

/** @param {string | null | undefined} reason */
export function endOfCall(reason) {
  return ENDS[reason ?? ""] ?? (reason ?? "").replaceAll("_", " ");
}

/** Whether a call ended as nobody wants it to. @param {string | null | undefined} reason */
export function isTrouble(reason) {
  return TROUBLE.has(reason ?? "");
}

/** Minutes and seconds, with hours where there are some. @param {number} seconds @param {number} [decimals] */
export function clock(seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const whole = Math.max(0, decimals ? Math.round(seconds * unit) / unit : Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = (whole % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** When a call began: the time, with the day where that is not today. @param {string} iso @param {Date} [now] */
export function when(iso, now = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  return at.toDateString() === now.toDateString() ? TIME.format(at) : `${DAY.format(at)}, ${TIME.format(at)}`;
}

/** @param {string} iso */
export function wholeTime(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : WHOLE.format(at);
}

/**
 * Who calls.
 * @param {{caller: string, transport: string}} call
 */
export function party({ caller, transport }) {
  return caller || (["webrtc", "websocket"].includes(transport) ? "A page" : "Unknown");
}

/** @param {number | null | undefined} ms */
export function wait(ms) {
  return ms === null || ms === undefined ? "–" : `${ms} ms`;
}

/**
 * What else happened, in words.
 *
 * @param {{type: string, name: string, ok: boolean, detail: string, ms: number | null}} each
 * @returns {{title: string, detail: string, tone: "" | "warn" | "danger"}}
 */
export function happening({ type, name, ok, detail, ms }) {
  const took = ms === null || ms === undefined ? "" : type === "played" || type === "message" ? clock(ms / 1000, 1) : `${ms} ms`;
  const told = (/** @type {string[]} */ ...parts) => parts.filter(Boolean).join(" · ");
  switch (type) {
    case "slot":
      return { title: ok ? `Understood: ${name}` : `Not understood: ${name}`, detail, tone: ok ? "" : "warn" };
    case "tool":
      return { title: `Tool ${name}`, detail: told(took, detail), tone: ok ? "" : "danger" };
    case "webhook":
      return { title: "Webhook asked", detail: told(took, detail), tone: ok ? "" : "danger" };
    case "transfer_began":
      return { title: `Transfer to ${name}`, detail, tone: "" };
    case "transfer_ended":
      return { title: ok ? "Transfer connected" : "Transfer failed", detail: told(name, detail), tone: ok ? "" : "warn" };
    case "recording":
      return { title: ok ? "Recording on" : "Recording paused", detail, tone: "" };
    case "fault":
      return { title: `Fault: ${name}`, detail, tone: "danger" };
    case "note":
      return { title: "Note", detail, tone: "" };
    case "message":
      return { title: "Message taken", detail: told(took, detail), tone: "" };
    case "played":
      return { title: `Played ${name}`, detail: told(took, ok ? "" : "stopped early"), tone: "" };
    default:
      return { title: type.replaceAll("_", " "), detail: told(name, detail, took), tone: ok ? "" : "warn" };
  }
}
