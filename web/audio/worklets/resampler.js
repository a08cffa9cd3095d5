// @ts-check
/**
 * A streaming resampler by a windowed sinc: for browsers that do not keep to the rate that an AudioContext was asked
 * for. It holds back half its length, one millisecond at 48 kHz.
 */

const HALF_LENGTH = 16;
const PHASES = 128;

export class Resampler {
  /** @param {number} from Hz @param {number} to Hz */
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from) * 0.92;
    this.half = Math.ceil(HALF_LENGTH * Math.max(1, this.step));
    this.taps = Array.from({ length: PHASES }, (_, phase) => taps(phase / PHASES, this.half, cutoff));
    /** What came before, from `half` samples ahead of the next output on. */
    this.kept = new Float32Array(2 * this.half);
    /** Where the next output's middle stands among what is kept. */
    this.position = this.half;
  }

  /**
   * @param {Float32Array} samples
   * @returns {Float32Array} what can be told now; the rest comes with the next ones
   */
  push(samples) {
    const all = new Float32Array(this.kept.length + samples.length);
    all.set(this.kept);
    all.set(samples, this.kept.length);
    const out = new Float32Array(Math.ceil(samples.length / this.step) + 1);
    let count = 0;
    while (this.position + this.half < all.length) {
      const whole = Math.floor(this.position);
      const filter = this.taps[Math.floor((this.position - whole) * PHASES)];
      let sum = 0;
      for (let index = 0; index < filter.length; index += 1) sum += filter[index] * all[whole - this.half + 1 + index];
      out[count] = sum;
      count += 1;
      this.position += this.step;
    }
    const begin = Math.max(0, Math.floor(this.position) - this.half);
    this.kept = all.slice(begin);
    this.position -= begin;
    return out.subarray(0, count);
  }
}

/** @param {number} fraction @param {number} half @param {number} cutoff of the lower rate's half */
function taps(fraction, half, cutoff) {
  const filter = new Float32Array(2 * half);
  let sum = 0;
  for (let index = 0; index < filter.length; index += 1) {
    const at = index - half + 1 - fraction;
    const x = Math.PI * at * cutoff;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * at) / half);
    filter[index] = (x === 0 ? 1 : Math.sin(x) / x) * window;
    sum += filter[index];
  }
  return filter.map((tap) => tap / sum);
}
