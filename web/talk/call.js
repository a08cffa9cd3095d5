// @ts-check
/**
 * One call at a time, from the press of the button to its end: the microphone, WebRTC or else the WebSocket, a countdown
 * where the server is busy, a new call where the connection was lost.
 *
 * @typedef {{phase: "idle"}
 *   | {phase: "microphone"}
 *   | {phase: "connecting", again: boolean}
 *   | {phase: "waiting", why: "busy" | "lost", seconds: number, attempt: number}
 *   | {phase: "live", wire: import("./wire.js").Wire}
 *   | {phase: "over", title: string, detail: string, tone: "" | "warn" | "danger", code: string}} State
 */

import { Problem } from "../api.js";
import { closeMicrophone, openMicrophone } from "../audio/microphone.js";
import { ended, failure, GIVEN_UP } from "./endings.js";
import { connected } from "./wire.js";
import { isLoss } from "./words.js";

const ATTEMPTS = 5;
/** A call that held for so long begins its count of attempts anew. */
const HELD_MS = 10_000;
/** What the server says of the end may come just after the wire is gone. */
const LAST_WORD_MS = 250;

export class TalkCall {
  /**
   * @param {{onstate: (state: State) => void, onevent: (event: any) => void, onmicrophone: (stream: MediaStream | null) => void,
   *   iceServers: () => Promise<RTCIceServer[]>}} hooks
   */
  constructor(hooks) {
    this.hooks = hooks;
    this.muted = false;
    /** @type {{dialplan: string, microphone: string, speaker: string}} device ids and a name; "" is the usual one */
    this.choice = { dialplan: "", microphone: "", speaker: "" };
    /** @type {State} */
    this.state = { phase: "idle" };
    /** @type {AbortController | null} */
    this.running = null;
    /** @type {MediaStream | null} */
    this.microphone = null;
    /** @type {import("./wire.js").Wire | null} */
    this.wire = null;
  }

  /** Call. Does nothing while there is a call. */
  async start() {
    if (this.running) return;
    const running = (this.running = new AbortController());
    try {
      const end = await this.#run(running.signal);
      if (!running.signal.aborted) this.#set(end);
    } catch (error) {
      if (!running.signal.aborted) this.#set(failure(error));
    } finally {
      if (this.running === running) this.#release();
    }
  }

  /** End the call. */
  end() {
    if (!this.running) return;
    this.running.abort();
    void this.wire?.close();
    this.#release();
    this.#set({ phase: "over", title: "You ended the call", detail: "", tone: "", code: "ended" });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    for (const track of this.microphone?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  /** @param {object} message a digit or a text */
  send(message) {
    this.wire?.send(message);
  }

  /** Take another microphone, also during a call. @param {string} id */
  async chooseMicrophone(id) {
    this.choice.microphone = id;
    const { running, wire } = this;
    if (!running || !wire) return;
    const next = await openMicrophone({ deviceId: id });
    if (this.running !== running || this.wire !== wire) return closeMicrophone(next);
    const before = this.microphone;
    this.#hear(next);
    try {
      await wire.setMicrophone(next);
    } finally {
      if (before) closeMicrophone(before);
    }
  }

  /** @param {string} id */
  async chooseSpeaker(id) {
    this.choice.speaker = id;
    await this.wire?.setSpeaker(id);
  }

  /** @param {AbortSignal} signal @returns {Promise<State>} how it ended */
  async #run(signal) {
    this.#set({ phase: "microphone" });
    const stream = await openMicrophone({ deviceId: this.choice.microphone });
    if (signal.aborted) closeMicrophone(stream);
    signal.throwIfAborted();
    this.#hear(stream);
    let lost = false;
    for (let failed = 0; ; ) {
      this.#set({ phase: "connecting", again: lost });
      const began = performance.now();
      try {
        const reason = await this.#oneCall(signal);
        signal.throwIfAborted(); // while the wire was being closed
        if (!isLoss(reason)) return ended(reason);
        lost = true;
        failed = performance.now() - began > HELD_MS ? 1 : failed + 1;
        if (failed > ATTEMPTS) return GIVEN_UP;
        await this.#wait("lost", backOff(failed), failed, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Problem) || !(error.code === "unreachable" ? lost : error.retryable)) throw error;
        failed += 1;
        if (failed > ATTEMPTS) return lost ? GIVEN_UP : failure(error);
        const unreachable = error.code === "unreachable";
        await this.#wait(unreachable ? "lost" : "busy", unreachable ? backOff(failed) : (error.retryAfter ?? 5), failed, signal);
      }
    }
  }

  /** One call until its end. @param {AbortSignal} signal @returns {Promise<string>} the reason */
  async #oneCall(signal) {
    const over = Promise.withResolvers();
    const wiring = {
      ...this.choice,
      microphone: /** @type {MediaStream} */ (this.microphone),
      iceServers: await this.hooks.iceServers(),
      signal,
      onevent: (/** @type {any} */ event) => {
        if (event.type === "error") return over.reject(new Problem(event));
        this.hooks.onevent(event);
        if (event.type === "call_ended") over.resolve(String(event.reason));
      },
      onclose: (/** @type {Error | null} */ problem) =>
        problem ? over.reject(problem) : setTimeout(() => over.resolve("connection_lost"), LAST_WORD_MS),
    };
    over.promise.catch(() => {});
    const wire = await connected(wiring);
    if (signal.aborted) void wire.close();
    signal.throwIfAborted();
    signal.addEventListener("abort", () => over.reject(signal.reason), { once: true });
    this.wire = wire;
    this.#set({ phase: "live", wire });
    try {
      return await over.promise;
    } finally {
      if (this.wire === wire) this.wire = null;
      await wire.close();
    }
  }

  /** @param {"busy" | "lost"} why @param {number} seconds @param {number} attempt which it will be @param {AbortSignal} signal */
  async #wait(why, seconds, attempt, signal) {
    for (let left = Math.ceil(seconds); left > 0; left -= 1) {
      this.#set({ phase: "waiting", why, seconds: left, attempt });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      signal.throwIfAborted();
    }
  }

  /** @param {MediaStream} stream */
  #hear(stream) {
    this.microphone = stream;
    for (const track of stream.getAudioTracks()) track.enabled = !this.muted;
    this.hooks.onmicrophone(stream);
  }

  #release() {
    this.running = null;
    this.wire = null;
    if (this.microphone) closeMicrophone(this.microphone);
    this.microphone = null;
    this.hooks.onmicrophone(null);
  }

  /** @param {State} state */
  #set(state) {
    this.state = state;
    this.hooks.onstate(state);
  }
}

/** Seconds before the next call, after so many were lost in a row. @param {number} failed */
function backOff(failed) {
  return Math.min(16, 2 ** (failed - 1));
}
