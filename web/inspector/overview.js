// @ts-check
/** The whole call in a narrow strip, with the piece that is seen; pressing or dragging in it moves that. */

import { Axis } from "./axis.js";
import { Canvas } from "./canvas.js";
import { OVERVIEW_PX } from "./layout.js";
import { drawWave } from "./tracks.js";

export class Overview {
  /** @param {import("./chart.js").Chart} chart @param {() => void} moved @param {AbortSignal} signal */
  constructor(chart, moved, signal) {
    this.chart = chart;
    this.canvas = new Canvas({ class: "overview", "aria-hidden": "true" }, OVERVIEW_PX, (ink, width) => this.#draw(ink, width), signal);
    const { element } = this.canvas;
    const to = (/** @type {PointerEvent} */ event) => {
      const { axis } = chart;
      const share = (event.clientX - element.getBoundingClientRect().left) / Math.max(1, element.clientWidth);
      axis.show(share * axis.seconds - axis.span / 2, axis.span);
      moved();
    };
    element.addEventListener("pointerdown", (event) => (element.setPointerCapture(event.pointerId), to(event)), { signal });
    element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && to(event), { signal });
  }

  redraw() {
    this.canvas.redraw();
  }

  /** @param {CanvasRenderingContext2D} ink @param {number} width */
  #draw(ink, width) {
    const { axis, peaks, theme, playhead } = this.chart;
    const whole = new Axis(axis.seconds);
    whole.width = width;
    if (peaks) {
      ink.globalAlpha = 0.7;
      drawWave(ink, whole, peaks, "caller", theme.caller, { top: 0, height: OVERVIEW_PX / 2 + 4 });
      drawWave(ink, whole, peaks, "agent", theme.agent, { top: OVERVIEW_PX / 2 - 4, height: OVERVIEW_PX / 2 + 4 });
      ink.globalAlpha = 1;
    }
    ink.fillStyle = theme.danger;
    ink.fillRect(whole.x(playhead) - 0.75, 0, 1.5, OVERVIEW_PX);
    if (axis.whole) return;
    const [left, right] = [whole.x(axis.from), whole.x(axis.to)];
    ink.fillStyle = theme.text;
    ink.globalAlpha = 0.1;
    ink.fillRect(left, 0, Math.max(3, right - left), OVERVIEW_PX);
    ink.globalAlpha = 1;
    ink.strokeStyle = theme.muted;
    ink.strokeRect(left + 0.5, 0.5, Math.max(3, right - left - 1), OVERVIEW_PX - 1);
  }
}
