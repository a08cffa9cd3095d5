// @ts-check
/** A recording sent to be transcribed. Not by `fetch`, which does not tell how much of it is sent. */

import { Problem, authorization, requireKey } from "../api.js";

/**
 * @param {File} file
 * @param {{language: string, signal: AbortSignal, onsent: (share: number) => void}} options `onsent`: 0 to 1
 * @returns {Promise<import("./captions.js").Transcript>}
 * @throws {Problem}
 */
export async function transcribe(file, { language, signal, onsent }) {
  for (;;) {
    const answer = await send(file, language, signal, onsent);
    if (answer.status === 200) return JSON.parse(answer.text);
    if (answer.status !== 401) throw problemOf(answer);
    await requireKey();
    signal.throwIfAborted();
  }
}

/** @param {File} file @param {string} language @param {AbortSignal} signal @param {(share: number) => void} onsent */
function send(file, language, signal, onsent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/transcribe?${new URLSearchParams({ language, words: "true" })}`);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => onsent(event.total ? event.loaded / event.total : 0);
    request.upload.onload = () => onsent(1);
    request.onload = () => resolve({ status: request.status, text: request.responseText, after: request.getResponseHeader("Retry-After") });
    request.onerror = () => reject(new Problem({
      code: "unreachable", retryable: true, title: "The connection broke",
      detail: "The server went away, or refused the recording while it was sent: it may be larger than is taken.",
    }));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** @param {{status: number, text: string, after: string | null}} answer */
function problemOf({ status, text, after }) {
  try {
    return new Problem({ ...JSON.parse(text), status, retryAfter: Number(after) || undefined });
  } catch {
    return new Problem({ status });
  }
}
