// @ts-check
/** The microphone's sound as pieces of linear16, little-endian, mono; all in the audio thread. */

import { Resampler } from "./resampler.js";

class Capture extends AudioWorkletProcessor {
  /** @param {{processorOptions: {rate: number, pieceMs: number}}} options */
  constructor({ processorOptions: { rate, pieceMs } }) {
    super();
    this.resampler = sampleRate === rate ? null : new Resampler(sampleRate, rate);
    this.piece = new Int16Array(Math.round((rate * pieceMs) / 1000));
    this.filled = 0;
    this.over = false;
    this.port.onmessage = () => (this.over = true);
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channels = inputs[0] ?? [];
    // A microphone that gives nothing (muted, or not begun) is silent; its time goes on.
    const sound = channels.length > 0 ? mono(channels) : new Float32Array(128);
    for (const sample of this.resampler ? this.resampler.push(sound) : sound) {
      const limited = Math.min(1, Math.max(-1, sample));
      this.piece[this.filled] = Math.round(limited * 32767);
      this.filled += 1;
      if (this.filled === this.piece.length) this.send();
    }
    return !this.over;
  }

  send() {
    const { buffer } = this.piece;
    this.piece = new Int16Array(this.piece.length);
    this.filled = 0;
    this.port.postMessage(buffer, [buffer]);
  }
}

/** @param {Float32Array[]} channels */
function mono(channels) {
  if (channels.length === 1) return channels[0];
  const sum = new Float32Array(channels[0].length);
  for (const channel of channels) for (let index = 0; index < sum.length; index += 1) sum[index] += channel[index] / channels.length;
  return sum;
}

registerProcessor("capture", Capture);
