// @ts-check
/** A text spoken: asked for as it is made, played as it comes, kept to be taken home. */

import { ask } from "../api.js";
import { openPlayer } from "../audio/player.js";
import { wav } from "../audio/wav.js";

export const RATE = 24000;
const STEP_BYTES = RATE; // half a second; a mark after each tells how far it was heard
const MOST_AHEAD = 8 * RATE * 2; // bytes that wait in the player; more waits here
const WAIT_MS = 60;

/**
 * @typedef {{text: string, voice: string, speed: number}} Wanted
 * @typedef {object} Told
 * @property {(seconds: number) => void} onfirst the first sound is heard, so long after it was asked for
 * @property {(made: number, heard: number, whole: boolean) => void} onmore seconds; `whole`: all is made
 * @property {(error: unknown) => void} onover once; without an error where it was heard to its end, or stopped
 */

export class Speech {
  /** @param {Wanted} wanted @param {Told} told */
  constructor(wanted, told) {
    this.wanted = wanted;
    this.told = told;
    this.pieces = /** @type {ArrayBuffer[]} */ ([]);
    this.made = 0;
    this.whole = false;
    this.leaving = new AbortController();
    this.next = 0;
    this.fed = 0;
    this.heard = 0;
    this.over = false;
    this.player = /** @type {import("../audio/player.js").Player | null} */ (null);
  }

  /** Have it made and hear it. Call it from a press of a button. */
  async speak() {
    const asked = performance.now();
    let first = true;
    try {
      const asking = ask("/v1/synthesize", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...this.wanted, format: "pcm", sample_rate: RATE }),
        signal: this.leaving.signal,
      });
      asking.catch(() => {}); // a refusal is told below, once the player is open
      await this.#listen(() => first && ((first = false), this.told.onfirst((performance.now() - asked) / 1000)));
      const response = await asking;
      await this.#read(/** @type {ReadableStream<Uint8Array>} */ (response.body).getReader());
    } catch (error) {
      this.#end(error);
    }
  }

  /** Hear again what was made. */
  async again() {
    this.over = false;
    this.next = this.fed = this.heard = 0;
    try {
      await this.#listen(() => {});
      this.#feed();
    } catch (error) {
      this.#end(error);
    }
  }

  /** @param {() => void} onfirst */
  async #listen(onfirst) {
    const player = await openPlayer({
      rate: RATE, waitMs: WAIT_MS,
      onplaying: (playing) => playing && onfirst(),
      onmark: (name) => this.#played(Number(name)),
    });
    if (this.over) player.close();
    else this.player = player;
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async #read(reader) {
    let odd = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      // A sample may lie across two pieces.
      const all = new Uint8Array(odd.length + value.length);
      all.set(odd);
      all.set(value, odd.length);
      const even = all.length & ~1;
      odd = all.slice(even);
      for (let at = 0; at < even; at += STEP_BYTES) this.pieces.push(all.slice(at, Math.min(even, at + STEP_BYTES)).buffer);
      this.made += even;
      this.#feed();
    }
    this.whole = true;
    if (this.made === 0) return this.#end(null);
    this.#tell();
    if (this.heard === this.made) this.#end(null);
  }

  /** Give the player what it has room for. */
  #feed() {
    while (this.player && this.next < this.pieces.length && this.fed - this.heard < MOST_AHEAD) {
      const piece = this.pieces[this.next];
      this.next += 1;
      this.fed += piece.byteLength;
      this.player.play(piece.slice(0));
      this.player.mark(String(this.fed));
    }
    this.#tell();
  }

  /** @param {number} bytes */
  #played(bytes) {
    this.heard = bytes;
    this.#feed();
    if (this.whole && this.heard === this.made) this.#end(null);
  }

  #tell() {
    this.told.onmore(this.made / 2 / RATE, this.heard / 2 / RATE, this.whole);
  }

  /** Be silent, and have no more made. */
  stop() {
    this.#end(null);
    this.leaving.abort();
  }

  /** The file of all that was made. */
  file() {
    return wav(this.pieces, RATE);
  }

  /** @param {unknown} error */
  #end(error) {
    if (this.over) return;
    this.over = true;
    this.player?.close();
    this.player = null;
    this.told.onover(error);
  }
}

/**
 * The same as an MP3, which the server makes.
 *
 * @param {Wanted} wanted
 * @returns {Promise<Blob>}
 */
export async function mp3(wanted) {
  const response = await ask("/v1/synthesize", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...wanted, format: "mp3", sample_rate: RATE }),
  });
  return await response.blob();
}
