// @ts-check
/** What the views of the speech engines have in common: their refusals in words, and files to take home. */

import { banner, button } from "./components.js";
import { MicrophoneError } from "./audio/microphone.js";
import { Problem } from "./api.js";

/** What to do about it, where the server's own words do not say. @type {Record<string, {title: string, detail?: string}>} */
const WORDS = {
  unsupported_media: { title: "That is no recording we know", detail: "WAV, FLAC, MP3, Ogg, WebM, M4A and AAC are taken." },
  undecodable: { title: "The recording is broken", detail: "It could not be decoded to its end." },
  too_large: { title: "The recording is too large" },
  overloaded: { title: "The server is busy", detail: "Calls come first. Try again in a moment." },
  engine_unavailable: { title: "The speech engine does not answer", detail: "It may be starting. Try again in a moment." },
  engine: { title: "The speech engine went away", detail: "It is being started again. Try again in a moment." },
  too_short: { title: "There is too little speech in it" },
  too_long: { title: "It is too long" },
  too_quiet: { title: "It is too quiet" },
  clipped: { title: "It is overdriven" },
  no_speech: { title: "Little of it is speech" },
  voice_in_use: { title: "The voice is speaking just now", detail: "Delete it when it is done." },
  idle: { title: "Nothing was heard for too long", detail: "The recogniser has hung up." },
};

/**
 * An error in the flow of a view.
 *
 * @param {unknown} error
 * @param {() => void} [again] for what may be tried again
 * @returns {HTMLElement}
 */
export function trouble(error, again) {
  const { title, detail } = inWords(error);
  const may = again && (!(error instanceof Problem) || error.retryable || error.code === "unreachable");
  return banner({ tone: "danger", title, detail, actions: may ? [button({ label: "Try again", icon: "retry", small: true, onclick: again })] : [] });
}

/** @param {unknown} error @returns {{title: string, detail: string}} */
export function inWords(error) {
  if (error instanceof MicrophoneError) return { title: error.title, detail: error.detail };
  if (!(error instanceof Problem)) return { title: "That did not work", detail: error instanceof Error ? error.message : "" };
  const known = WORDS[error.code];
  return { title: known?.title ?? error.title, detail: known?.detail ?? error.detail };
}

/**
 * Have the browser keep a file.
 *
 * @param {Blob | string} content
 * @param {string} name
 * @param {string} [type] of text
 */
export function download(content, name, type = "text/plain") {
  const blob = content instanceof Blob ? content : new Blob([content], { type: `${type};charset=utf-8` });
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Minutes and seconds: 1:05, or with tenths 1:05.3. @param {number} seconds @param {boolean} [tenths] */
export function clock(seconds, tenths = false) {
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const head = hours ? `${hours}:${String(minutes).padStart(2, "0")}` : String(minutes);
  const tail = `${head}:${String(whole % 60).padStart(2, "0")}`;
  return tenths ? `${tail}.${Math.floor((seconds % 1) * 10)}` : tail;
}
