// @ts-check
/** The states of a call, in words. */

/**
 * @typedef {object} Words
 * @property {string} title
 * @property {string} [detail]
 * @property {boolean} busy neither at rest nor live
 * @property {Parameters<typeof import("../components.js").banner>[0]} [banner] what went wrong, and what to do
 * @property {string} [aside] for the transcript
 * @property {string} [spoken] for screen readers
 */

/**
 * @param {import("./call.js").State} state
 * @returns {Words}
 */
export function stateInWords(state) {
  switch (state.phase) {
    case "idle":
      return { title: "Ready", detail: "Press Talk, and speak.", busy: false };
    case "microphone":
      return { title: "Opening the microphone", detail: "Your browser may ask you.", busy: true };
    case "connecting":
      return state.again
        ? { title: "Calling again", busy: true, aside: "The connection was lost. This is a new call." }
        : { title: "Connecting", busy: true, spoken: "Connecting" };
    case "waiting":
      return waiting(state);
    case "live":
      return { title: "Listening", busy: false, spoken: "Connected. You can speak." };
    case "over":
      return over(state);
  }
}

/** @param {Extract<import("./call.js").State, {phase: "waiting"}>} state @returns {Words} */
function waiting({ why, seconds, attempt }) {
  const when = `Calling again in ${seconds} s (${attempt} of 5).`;
  return why === "busy"
    ? { title: "The server is busy", detail: when, busy: true, spoken: attempt === 1 && seconds === 5 ? "The server is busy" : undefined }
    : { title: "Connection lost", detail: when, busy: true };
}

/** @param {Extract<import("./call.js").State, {phase: "over"}>} state @returns {Words} */
function over({ title, detail, tone }) {
  const spoken = `${title}. ${detail}`;
  if (tone) return { title: "No call", busy: false, banner: { tone, title, detail } };
  return { title, detail, busy: false, spoken, aside: title };
}
