// @ts-check
/** The microphone, transcribed as it is spoken: `ws /v1/stream/asr`. */

import { Problem, socketUrl } from "../api.js";
import { levelOfStream } from "../audio/levels.js";
import { capture, closeMicrophone, openMicrophone } from "../audio/microphone.js";
import { wav } from "../audio/wav.js";

const RATE = 16000;
const PIECE_MS = 40;
const MOST_WAITING = RATE * 2 * 20; // bytes: twenty seconds that the network does not take
const MOST_KEPT_S = 3600; // of sound, for listening to it afterwards
const LAST_WORDS_MS = 15_000;

export class LiveTranscription {
  /**
   * @param {{onfinal: (segment: import("./captions.js").Segment, language: string | null) => void, onpartial: (text: string) => void,
   *   onlistening: () => void, onover: (error: unknown) => void}} told `onover`: once; without an error where it was stopped
   */
  constructor(told) {
    this.told = told;
    this.seconds = 0;
    this.pieces = /** @type {ArrayBuffer[]} */ ([]);
    this.over = false;
    this.ready = false;
    this.parts = /** @type {(() => void)[]} */ ([]);
  }

  /** @param {string} language */
  async start(language) {
    try {
      await this.#open(language);
    } catch (error) {
      this.#end(error);
    }
  }

  /** @param {string} language */
  async #open(language) {
    const stream = await openMicrophone();
    this.#own(() => closeMicrophone(stream));
    const hearing = levelOfStream(stream);
    this.#own(hearing.close);
    this.level = hearing.level;
    const url = await socketUrl("/v1/stream/asr", {
      encoding: "linear16", sample_rate: String(RATE), language, interim_results: "true", word_timestamps: "true",
    });
    if (this.over) return;
    const socket = new WebSocket(url);
    this.#own(() => socket.close());
    this.socket = socket;
    socket.onmessage = ({ data }) => this.#event(JSON.parse(data));
    socket.onclose = ({ code }) => this.#end(this.stopping ? null : refused(code, this.ready));
    const capturing = await capture(stream, (piece) => this.#send(piece), { rate: RATE, pieceMs: PIECE_MS });
    this.stopCapture = once(capturing.stop);
    this.#own(this.stopCapture);
  }

  /** What must be let go at the end, which may have been already. @param {() => void} part */
  #own(part) {
    if (this.over) part();
    else this.parts.push(part);
  }

  level() {
    return 0;
  }

  /** Hear what was said last, then end. */
  stop() {
    if (this.stopping || this.over) return;
    this.stopping = true;
    this.stopCapture?.();
    if (this.socket?.readyState !== WebSocket.OPEN) return this.#end(null);
    this.socket.send('{"type":"CloseStream"}');
    const timer = setTimeout(() => this.#end(null), LAST_WORDS_MS);
    this.parts.push(() => clearTimeout(timer));
  }

  /** End at once; nothing is told any more. */
  drop() {
    this.told = { onfinal: () => {}, onpartial: () => {}, onlistening: () => {}, onover: () => {} };
    this.#end(null);
  }

  /** What was said, to listen to; null where there was too much of it. */
  recording() {
    return this.seconds > 0 && this.seconds < MOST_KEPT_S ? wav(this.pieces, RATE) : null;
  }

  /** @param {ArrayBuffer} piece */
  #send(piece) {
    if (!this.ready || this.stopping || !this.socket) return;
    if (this.socket.bufferedAmount > MOST_WAITING) {
      return this.#end(new Problem({ code: "slow", title: "The network is too slow", detail: "What you say cannot be sent in time." }));
    }
    this.socket.send(piece);
    this.seconds += PIECE_MS / 1000;
    if (this.seconds < MOST_KEPT_S) this.pieces.push(piece);
    else this.pieces = [];
  }

  /** @param {any} event */
  #event(event) {
    switch (event.type) {
      case "ready":
        this.ready = true;
        return this.told.onlistening();
      case "partial":
        return this.told.onpartial(event.text);
      case "final": {
        const { start, end, text, words } = event;
        this.told.onpartial("");
        return text && this.told.onfinal({ start, end, text, words: words ?? [] }, event.language ?? null);
      }
      case "turn_ended":
        return this.told.onpartial("");
      case "error":
        return this.#end(new Problem({ code: event.code, title: "The recogniser stopped", detail: event.message, retryable: event.retryable }));
    }
  }

  /** @param {unknown} error */
  #end(error) {
    if (this.over) return;
    this.over = true;
    for (const part of this.parts.reverse()) part();
    this.told.onover(error);
  }
}

/** @param {() => void} act */
function once(act) {
  let done = false;
  return () => void (done || ((done = true), act()));
}

/** @param {number} code @param {boolean} wasOpen */
function refused(code, wasOpen) {
  return wasOpen
    ? new Problem({ code: "lost", title: "The connection was lost", detail: `What was heard until then is here. (${code})`, retryable: true })
    : new Problem({ code: "refused", title: "The recogniser took no stream", detail: "It may be full of calls, or starting. Try again in a moment.", retryable: true });
}
