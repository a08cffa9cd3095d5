// @ts-check
/** A call over a WebSocket, for where UDP does not pass: linear16 at 16 kHz both ways, and events as text. */

import { Problem, socketUrl } from "../api.js";
import { capture } from "../audio/microphone.js";
import { openPlayer } from "../audio/player.js";
import { once, receive } from "./messages.js";

const RATE = 16000;
const OPEN_MS = 8000;
/** Sound that may wait to be sent; the network is gone for longer than that, and a late word is no use. */
const MAX_WAITING = 2 * RATE;
const ROUND_TRIP_MS = 3000;

/**
 * @param {import("./wire.js").Wiring} wiring
 * @returns {Promise<import("./wire.js").Wire>} once the server has begun the call
 * @throws {Problem} it refuses, or does not answer
 */
export async function callBySocket(wiring) {
  const { signal } = wiring;
  const address = await socketUrl("/v1/talk", wiring.dialplan ? { dialplan: wiring.dialplan } : {});
  signal.throwIfAborted();
  const player = await openPlayer({ rate: RATE, onmark: (name) => send({ type: "mark", name }) });
  if (wiring.speaker) await player.setSink(wiring.speaker).catch(() => {});
  if (signal.aborted) player.close();
  signal.throwIfAborted();
  const socket = new WebSocket(address, ["media-server.talk.1"]); // listened to at once: nothing may come before
  socket.binaryType = "arraybuffer";
  const send = (/** @type {object} */ message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
  /** @type {Problem | null} */
  let refusal = null;
  const begun = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") player.play(data);
      else receive(data, (message) => {
        if (message.type === "clear") player.clear();
        else if (message.type === "mark") player.mark(String(message.name));
        else if (message.type === "error") refusal = new Problem({ ...message, detail: message.detail ?? "", retryAfter: message.retry_after_s });
        else wiring.onevent(message);
      });
      if (!refusal) resolve();
    };
  });
  const piece = (/** @type {ArrayBuffer} */ pcm) => {
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < MAX_WAITING) socket.send(pcm);
  };
  let listening = { stop: () => {} };
  let over = false;
  const stop = once(() => {
    over = true;
    listening.stop();
    player.close();
  });
  try {
    await opened(socket, begun, () => refusal, signal);
    listening = await capture(wiring.microphone, piece, { rate: RATE });
  } catch (error) {
    stop();
    socket.onclose = null;
    socket.close();
    throw error;
  }
  socket.onclose = () => {
    stop();
    wiring.onclose(refusal);
  };
  if (socket.readyState === WebSocket.CLOSED) socket.onclose(new CloseEvent("close"));
  return {
    name: "WebSocket",
    send,
    setMicrophone: async (next) => {
      listening.stop();
      listening = await capture(next, piece, { rate: RATE });
      if (over) listening.stop(); // the call ended meanwhile
    },
    setSpeaker: player.setSink,
    level: player.level,
    roundTrip,
    close: async () => {
      socket.onclose = null;
      stop();
      socket.close(1000);
    },
  };
}

/**
 * Until the server has begun the call.
 *
 * @param {WebSocket} socket @param {Promise<void>} begun @param {() => Problem | null} refusal @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function opened(socket, begun, refusal, signal) {
  return new Promise((resolve, reject) => {
    const unreachable = new Problem({
      code: "unreachable", title: "The server does not take the call", retryable: true,
      detail: "The connection could not be opened. Is the server running?",
    });
    const timer = setTimeout(() => reject(unreachable), OPEN_MS);
    socket.onclose = () => (clearTimeout(timer), reject(refusal() ?? unreachable));
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
    void begun.then(() => (clearTimeout(timer), resolve()));
  });
}

/** A page cannot ping over a WebSocket, so this asks the same server the shortest question there is; twice, for the first may connect. */
async function roundTrip() {
  let best = Infinity;
  try {
    for (let asked = 0; asked < 2; asked += 1) {
      const began = performance.now();
      await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ROUND_TRIP_MS) });
      best = Math.min(best, performance.now() - began);
    }
    return best;
  } catch {
    return null;
  }
}
