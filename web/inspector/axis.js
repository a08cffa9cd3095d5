// @ts-check
/** The piece of a call's time that is seen, and where it stands on the screen. Pure. */

export const SHORTEST_S = 0.5;
const STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const TICK_PX = 84;

export class Axis {
  /** @param {number} seconds how long the call is */
  constructor(seconds) {
    this.seconds = Math.max(SHORTEST_S, seconds);
    this.from = 0;
    this.to = this.seconds;
    this.width = 1;
  }

  get span() {
    return this.to - this.from;
  }

  /** Whether all of it is seen. */
  get whole() {
    return this.span >= this.seconds - 1e-6;
  }

  /** Where a moment stands, in px. @param {number} seconds */
  x(seconds) {
    return ((seconds - this.from) / this.span) * this.width;
  }

  /** Which moment stands there. @param {number} x */
  at(x) {
    return this.from + (x / this.width) * this.span;
  }

  /** See so many times less (or, below 1, more) of it, with this moment staying where it is. @param {number} times @param {number} around */
  zoom(times, around) {
    const span = Math.min(this.seconds, Math.max(SHORTEST_S, this.span / times));
    const share = (around - this.from) / this.span;
    this.show(around - share * span, span);
  }

  /** Move along. @param {number} seconds */
  pan(seconds) {
    this.show(this.from + seconds, this.span);
  }

  fit() {
    this.show(0, this.seconds);
  }

  /** See this piece, as far as there is one. @param {number} from @param {number} span */
  show(from, span) {
    const begin = Math.min(Math.max(0, from), Math.max(0, this.seconds - span));
    this.from = begin;
    this.to = Math.min(this.seconds, begin + span);
  }

  /** Have this moment seen. @param {number} seconds */
  reveal(seconds) {
    if (seconds < this.from || seconds > this.to) this.show(seconds - this.span / 10, this.span);
  }

  /** The call has become longer: who saw its end sees its end. @param {number} seconds */
  grow(seconds) {
    const { span, whole } = this;
    const followed = this.to >= this.seconds - 1e-6;
    this.seconds = Math.max(SHORTEST_S, seconds);
    if (whole) this.fit();
    else if (followed) this.show(this.seconds - span, span);
    else this.show(this.from, span);
  }

  /** Moments for the ruler. @returns {{step: number, ticks: number[]}} */
  ruler() {
    const least = (TICK_PX / this.width) * this.span;
    const step = STEPS.find((each) => each >= least) ?? 3600;
    const ticks = [];
    for (let index = Math.ceil(this.from / step - 1e-9); index * step <= this.to + 1e-9; index += 1) ticks.push(index * step);
    return { step, ticks };
  }
}
