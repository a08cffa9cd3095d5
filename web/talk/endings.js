// @ts-check
/** How a call came to its end, as a state. */

import { Problem } from "../api.js";
import { MicrophoneError } from "../audio/microphone.js";
import { endOfCall } from "./words.js";

/** @typedef {import("./call.js").State} State */

/** @type {State} */
export const GIVEN_UP = {
  phase: "over", title: "The connection was lost", code: "connection_lost", tone: "danger",
  detail: "Calling again did not work. Check the network, then press Talk.",
};

/** The server ended it. @param {string} reason @returns {State} */
export function ended(reason) {
  return { phase: "over", title: "Call ended", detail: endOfCall(reason), tone: "", code: reason };
}

/** It did not come about. @param {unknown} error @returns {State} */
export function failure(error) {
  if (error instanceof MicrophoneError) return { phase: "over", title: error.title, detail: error.detail, tone: "warn", code: error.code };
  if (error instanceof Problem) {
    const title = error.status === 503 || error.code === "overloaded" ? "The server is busy" : error.title;
    return { phase: "over", title, detail: error.detail, tone: "danger", code: error.code };
  }
  reportError(error);
  const detail = error instanceof Error ? error.message : "";
  return { phase: "over", title: "This page cannot make the call", detail, tone: "danger", code: "page" };
}
