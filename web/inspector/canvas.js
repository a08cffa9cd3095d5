// @ts-check
/** A canvas as wide as its place, crisp on every screen; it is drawn at most once a frame. */

import { h } from "../dom.js";

export class Canvas {
  /**
   * @param {Record<string, any>} props of the element
   * @param {number} height in px
   * @param {(ink: CanvasRenderingContext2D, width: number) => void} draw
   * @param {AbortSignal} signal when it goes
   */
  constructor(props, height, draw, signal) {
    this.element = /** @type {HTMLCanvasElement} */ (h("canvas", { ...props, style: { height: `${height}px` } }));
    this.height = height;
    this.width = 0;
    this.draw = draw;
    this.waits = false;
    const watch = new ResizeObserver(() => this.#resized());
    watch.observe(this.element);
    signal.addEventListener("abort", () => watch.disconnect());
    this.signal = signal;
  }

  /** There is something new to draw. */
  redraw() {
    if (this.waits || this.signal.aborted) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      if (this.width === 0 || this.signal.aborted) return;
      const density = this.#density();
      const [wide, high] = [Math.round(this.width * density), Math.round(this.height * density)];
      if (this.element.width !== wide || this.element.height !== high) Object.assign(this.element, { width: wide, height: high });
      const ink = this.element.getContext("2d");
      if (!ink) return;
      ink.setTransform(density, 0, 0, density, 0, 0);
      ink.clearRect(0, 0, this.width, this.height);
      this.draw(ink, this.width);
    });
  }

  #density() {
    return Math.min(3, Math.max(1, devicePixelRatio));
  }

  #resized() {
    this.width = this.element.clientWidth;
    this.redraw();
  }
}
