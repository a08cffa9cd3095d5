// @ts-check
/**
 * Plays pieces of linear16 in their order. What comes after a silence waits until a little more is there, so that a
 * network that hurries and lags is not heard. A mark comes back as soon as all before it was played or cleared.
 */

import { Resampler } from "./resampler.js";

const FADE = 96;

class Playback extends AudioWorkletProcessor {
  /** @param {{processorOptions: {rate: number, waitMs: number, limitS: number}}} options */
  constructor({ processorOptions: { rate, waitMs, limitS } }) {
    super();
    this.resampler = sampleRate === rate ? null : new Resampler(rate, sampleRate);
    this.wait = (sampleRate * waitMs) / 1000;
    this.limit = sampleRate * limitS;
    /** @type {(Float32Array | string)[]} */
    this.queue = [];
    this.queued = 0;
    this.waited = 0;
    this.playing = false;
    /** The last of what was cut off, fading. */
    this.tail = new Float32Array(0);
    this.over = false;
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  /** @param {{pcm?: ArrayBuffer, mark?: string, clear?: boolean, close?: boolean}} message */
  receive(message) {
    if (message.pcm) this.add(message.pcm);
    else if (message.mark !== undefined) this.queue.push(message.mark);
    else if (message.clear) this.clear();
    else if (message.close) this.over = true;
  }

  /** @param {ArrayBuffer} pcm */
  add(pcm) {
    const whole = new Int16Array(pcm, 0, pcm.byteLength >> 1);
    const sound = Float32Array.from(whole, (sample) => sample / 32768);
    if (this.queued + sound.length > this.limit) return;
    const samples = this.resampler ? this.resampler.push(sound) : sound;
    this.queue.push(samples);
    this.queued += samples.length;
  }

  clear() {
    if (this.playing) {
      const head = this.queue.find((each) => typeof each !== "string");
      if (head instanceof Float32Array) this.tail = head.slice(0, FADE).map((sample, index) => sample * (1 - index / FADE));
    }
    for (const each of this.queue) if (typeof each === "string") this.port.postMessage({ mark: each });
    this.queue = [];
    this.queued = 0;
    this.playing = false;
    this.waited = 0;
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, outputs) {
    const [out] = outputs[0];
    this.tellMarks();
    if (!this.playing && this.queued > 0) {
      this.waited += out.length;
      if (this.queued >= this.wait || this.waited >= this.wait) this.begin();
    }
    const filled = this.playing ? this.take(out) : 0;
    if (this.playing && filled < out.length) this.pause();
    if (!this.playing && this.tail.length > 0) {
      out.set(this.tail.subarray(0, out.length));
      this.tail = new Float32Array(0);
    }
    return !this.over;
  }

  begin() {
    this.playing = true;
    this.tail = new Float32Array(0);
    this.port.postMessage({ playing: true });
  }

  pause() {
    this.playing = false;
    this.waited = 0;
    this.port.postMessage({ playing: false });
  }

  /** Fill what can be filled. @param {Float32Array} out @returns {number} how many samples */
  take(out) {
    let filled = 0;
    while (filled < out.length) {
      this.tellMarks();
      const head = this.queue[0];
      if (!(head instanceof Float32Array)) break;
      const part = head.subarray(0, out.length - filled);
      out.set(part, filled);
      filled += part.length;
      this.queued -= part.length;
      if (part.length === head.length) this.queue.shift();
      else this.queue[0] = head.subarray(part.length);
    }
    this.tellMarks();
    return filled;
  }

  tellMarks() {
    while (typeof this.queue[0] === "string") this.port.postMessage({ mark: this.queue.shift() });
  }
}

registerProcessor("playback", Playback);
