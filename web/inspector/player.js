// @ts-check
/** Plays a call's recording: both sides in both ears, or one of them. */

import { ask, key } from "../api.js";

/** @typedef {"both" | "caller" | "agent"} Side */

export class Player {
  /**
   * @param {string} url of the recording
   * @param {{onmove: (seconds: number) => void, onstate: (state: {playing: boolean, loading: boolean}) => void, onproblem: (error: Error) => void}} told
   */
  constructor(url, told) {
    this.url = url;
    this.told = told;
    this.audio = new Audio();
    this.audio.preload = "metadata";
    this.loaded = false;
    this.loading = false;
    this.object = "";
    this.gone = new AbortController();
    /** @type {{context: AudioContext, caller: GainNode, agent: GainNode} | null} */
    this.mix = null;
    /** @type {Side} */
    this.side = "both";
    const { signal } = this.gone;
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.#tell(), { signal });
    this.audio.addEventListener("seeked", () => told.onmove(this.audio.currentTime), { signal });
    this.audio.addEventListener("error", () => this.loaded && told.onproblem(new Error("The recording could not be played.")), { signal });
    const follow = () => {
      if (signal.aborted) return;
      if (!this.audio.paused) told.onmove(this.audio.currentTime);
      requestAnimationFrame(follow);
    };
    requestAnimationFrame(follow);
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  /** There is more of it now: what is loaded does for what it holds. */
  grown() {
    this.stale = true;
  }

  /** Hear it from there on. @param {number} seconds */
  async play(seconds) {
    try {
      if (!this.loaded || (this.stale && seconds > this.audio.duration - 1)) await this.#load();
      this.#mixed();
      this.audio.currentTime = Math.min(seconds, Math.max(0, this.audio.duration - 0.05) || seconds);
      await this.audio.play();
    } catch (error) {
      if (this.gone.signal.aborted || (error instanceof DOMException && error.name === "AbortError")) return;
      this.told.onproblem(/** @type {Error} */ (error));
    }
  }

  pause() {
    this.audio.pause();
  }

  /** @param {Side} side */
  hear(side) {
    this.side = side;
    this.#weigh();
  }

  close() {
    this.gone.abort();
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    void this.mix?.context.close();
    if (this.object) URL.revokeObjectURL(this.object);
  }

  /** The element shows no key, so with one the recording is fetched; without, it is read in ranges. */
  async #load() {
    if (this.loading) throw new DOMException("under way", "AbortError");
    this.loading = true;
    this.#tell();
    try {
      let source = this.url;
      if (key()) {
        const response = await ask(this.url, { signal: this.gone.signal });
        if (this.object) URL.revokeObjectURL(this.object);
        source = this.object = URL.createObjectURL(await response.blob());
      }
      this.audio.src = source;
      await new Promise((resolve, reject) => {
        this.audio.addEventListener("loadedmetadata", resolve, { once: true });
        this.audio.addEventListener("error", () => reject(new Error("The recording could not be loaded.")), { once: true });
      });
      this.loaded = true;
      this.stale = false;
    } finally {
      this.loading = false;
      this.#tell();
    }
  }

  /** Left caller, right agent: in headphones that is no conversation, so both go to the middle. */
  #mixed() {
    if (this.mix) return void this.mix.context.resume();
    const context = new AudioContext();
    const split = context.createChannelSplitter(2);
    const caller = context.createGain();
    const agent = context.createGain();
    context.createMediaElementSource(this.audio).connect(split);
    split.connect(caller, 0).connect(context.destination);
    split.connect(agent, 1).connect(context.destination);
    this.mix = { context, caller, agent };
    this.#weigh();
  }

  #weigh() {
    if (!this.mix) return;
    this.mix.caller.gain.value = this.side === "agent" ? 0 : 1;
    this.mix.agent.gain.value = this.side === "caller" ? 0 : 1;
  }

  #tell() {
    if (!this.gone.signal.aborted) this.told.onstate({ playing: this.playing, loading: this.loading });
  }
}
