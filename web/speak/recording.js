// @ts-check
/** A recording of a voice, made in the page: up to a minute, kept here until it is sent. */

import { levelOfStream } from "../audio/levels.js";
import { capture, closeMicrophone, openMicrophone } from "../audio/microphone.js";
import { wav } from "../audio/wav.js";

const RATE = 24000;
const PIECE_MS = 40;
export const MOST_S = 60;

export class Recording {
  /** @param {{onover: (file: Blob | null) => void}} told `onover`: once; null where nothing was recorded */
  constructor(told) {
    this.told = told;
    this.pieces = /** @type {ArrayBuffer[]} */ ([]);
    this.parts = /** @type {(() => void)[]} */ ([]);
    this.over = false;
  }

  /** @throws {import("../audio/microphone.js").MicrophoneError} */
  async start() {
    const stream = await openMicrophone();
    this.#own(() => closeMicrophone(stream));
    const hearing = levelOfStream(stream);
    this.#own(hearing.close);
    this.level = hearing.level;
    const capturing = await capture(stream, (piece) => this.#take(piece), { rate: RATE, pieceMs: PIECE_MS });
    this.#own(capturing.stop);
  }

  /** @param {() => void} part */
  #own(part) {
    if (this.over) part();
    else this.parts.push(part);
  }

  level() {
    return 0;
  }

  get seconds() {
    return (this.pieces.length * PIECE_MS) / 1000;
  }

  /** @param {ArrayBuffer} piece */
  #take(piece) {
    this.pieces.push(piece);
    if (this.seconds >= MOST_S) this.stop();
  }

  stop() {
    if (this.over) return;
    this.over = true;
    for (const part of this.parts.reverse()) part();
    this.told.onover(this.pieces.length > 0 ? wav(this.pieces, RATE) : null);
  }
}
