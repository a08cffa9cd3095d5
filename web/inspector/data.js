// @ts-check
/** What the inspector shows of a call, asked of the server; of a live one again and again. */

import { json, Problem } from "../api.js";

/** @typedef {import("./items.js").Timeline} Timeline */
/** @typedef {import("./tracks.js").Peaks} Peaks */

const LIVE_MS = 1500;
const MAX_PEAKS = 12_000;
const MOST_PER_S = 400;
const DETAIL_AFTER_MS = 150;

export class CallData {
  /**
   * @param {string} id
   * @param {{onnews: (news: {record: any, timeline: Timeline, peaks: Peaks | null}) => void, onproblem: (problem: Problem) => void,
   *   ondetail: (peaks: Peaks) => void}} told
   * @param {AbortSignal} signal
   */
  constructor(id, told, signal) {
    this.path = `/v1/calls/${encodeURIComponent(id)}`;
    this.told = told;
    this.signal = signal;
    this.wanted = "";
    this.timer = 0;
    this.detailTimer = 0;
    signal.addEventListener("abort", () => (clearTimeout(this.timer), clearTimeout(this.detailTimer)));
  }

  /** Ask for all of it; of a live call, again when some time has passed. */
  async load() {
    clearTimeout(this.timer);
    const began = performance.now();
    let live = true;
    try {
      const [record, timeline] = await Promise.all([this.#json(""), this.#json("/timeline")]);
      const kept = record.recording !== null || timeline.recorded;
      const peaks = kept ? await this.#peaks(`/peaks?per_s=${perSecond(timeline.seconds)}`) : null;
      live = record.state !== "ended";
      if (!this.signal.aborted) this.told.onnews({ record, timeline, peaks });
    } catch (error) {
      if (this.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.told.onproblem(error);
      live = error.retryable;
    }
    const pause = Math.max(LIVE_MS, 3 * (performance.now() - began));
    if (live && !this.signal.aborted) this.timer = setTimeout(() => void this.load(), pause);
  }

  /** See this piece in as much detail as the screen has. @param {import("./axis.js").Axis} axis @param {Peaks | null} peaks */
  look(axis, peaks) {
    clearTimeout(this.detailTimer);
    const wanted = Math.min(MOST_PER_S, Math.ceil(axis.width / axis.span));
    if (!peaks || wanted <= peaks.per_s * 1.5) return;
    const [from, to] = [Math.max(0, axis.from - axis.span), axis.to + axis.span];
    const path = `/peaks?per_s=${wanted}&from=${from.toFixed(3)}&to=${to.toFixed(3)}`;
    this.wanted = path;
    this.detailTimer = setTimeout(async () => {
      const found = await this.#peaks(path).catch(() => null); // the coarse ones do
      if (found && this.wanted === path && !this.signal.aborted) this.told.ondetail(found);
    }, DETAIL_AFTER_MS);
  }

  /** @param {string} path */
  #json(path) {
    return json(this.path + path, { signal: this.signal });
  }

  /** @param {string} path @returns {Promise<Peaks | null>} null where no sound is kept */
  async #peaks(path) {
    try {
      return await this.#json(path);
    } catch (error) {
      if (error instanceof Problem && (error.status === 404 || error.status === 422)) return null;
      throw error;
    }
  }
}

/** @param {number} seconds */
function perSecond(seconds) {
  return Math.min(100, Math.max(1, Math.floor(MAX_PEAKS / Math.max(1, seconds))));
}
