// @ts-check
/** What happens on all calls, as it happens: server-sent events, read by fetch, which can show the key. */

import { ask, Problem } from "../api.js";

const AGAIN_MS = [1000, 2000, 5000, 10_000];
const MAX_BUFFER = 1 << 20;

/**
 * Listen until `signal` is aborted; a connection that breaks is made again.
 *
 * @param {AbortSignal} signal
 * @param {{onevent: (event: any) => void, onstate: (listening: boolean) => void}} listener `onstate`: whether we hear
 */
export async function listen(signal, { onevent, onstate }) {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const response = await ask("/v1/calls/events", { signal });
      onstate(true);
      failures = -1;
      await readAll(response, onevent);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status === 401) return; // nobody gives the key
    }
    onstate(false);
    await pause(AGAIN_MS[Math.min(Math.max(failures, 0), AGAIN_MS.length - 1)], signal);
  }
}

/** @param {Response} response @param {(event: any) => void} onevent */
async function readAll(response, onevent) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer += value;
    const messages = buffer.split("\n\n");
    buffer = (messages.pop() ?? "").slice(-MAX_BUFFER);
    for (const message of messages) {
      const event = parsed(message);
      if (event) onevent(event);
    }
  }
}

/** @param {string} message */
function parsed(message) {
  const data = message.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
  if (!data) return null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
