// @ts-check
/** The call on one time axis: waveforms, tracks, a cursor, a playhead. */

import { clock } from "../calls/words.js";
import { fill, h } from "../dom.js";
import { Axis } from "./axis.js";
import { Canvas } from "./canvas.js";
import { gestures } from "./gestures.js";
import { HEIGHT, OVERVIEW_PX, topOf, TRACKS } from "./layout.js";
import { Overview } from "./overview.js";
import { theme, whenThemeChanges } from "./theme.js";
import { drawGrid, drawItems, drawWave, itemAt } from "./tracks.js";

/** @typedef {import("./items.js").Item} Item */
/** @typedef {import("./tracks.js").Peaks} Peaks */

export class Chart {
  /**
   * @param {{play: (seconds: number) => void, toggle: () => void, moved: () => void, sought: (seconds: number) => void}} told
   *   `play`: hear it from there; `moved`: another piece is seen; `sought`: the keys have moved the playhead
   * @param {AbortSignal} signal
   */
  constructor(told, signal) {
    this.told = told;
    this.axis = new Axis(1);
    /** @type {Item[]} */
    this.items = [];
    /** @type {Peaks | null} of the whole call */
    this.peaks = null;
    /** @type {Peaks | null} of what is seen, in more detail */
    this.detail = null;
    /** @type {Item | null} */
    this.chosen = null;
    this.playhead = 0;
    /** @type {number | null} where the mouse is, in px */
    this.pointer = null;
    this.theme = theme();
    this.canvas = new Canvas({
      class: "chart", tabIndex: 0, role: "slider", "aria-label": "Position in the call", "aria-orientation": "horizontal",
      "aria-describedby": "chart-help", "aria-valuemin": 0,
    }, HEIGHT, (ink, width) => this.#draw(ink, width), signal);
    this.overview = new Overview(this, () => this.#moved(), signal);
    this.tip = h("div", { class: "tip", role: "status", hidden: true });
    const lanes = [...TRACKS.map(({ name, label, height }) => ({ name, label, height, top: topOf(name).top })), { name: "overview", label: "Whole call", height: OVERVIEW_PX, top: HEIGHT }];
    const labels = lanes.filter((lane) => lane.label).map(({ name, label, height, top }) =>
      h("span", { class: `lane lane-${name}`, style: { top: `${top}px`, height: `${height}px` } }, label));
    this.element = h("div", { class: "chart-box" }, h("div", { class: "lanes", "aria-hidden": "true" }, labels),
      h("div", { class: "chart-place" }, this.canvas.element, this.tip, this.overview.canvas.element),
      h("p", { class: "unseen", id: "chart-help" }, "Left and right move, up and down step through what happened, plus and minus zoom, 0 shows all, space plays. The transcript below says the same in words."));
    gestures(this.canvas.element, this.axis, {
      moved: () => this.#moved(), leave: () => this.#point(null, 0), point: (x, y) => this.#point(x, y),
      click: (x) => this.told.play(this.axis.at(x)),
    }, signal);
    this.canvas.element.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.canvas.element.addEventListener("blur", () => this.#choose(null), { signal });
    whenThemeChanges(() => {
      this.theme = theme();
      this.redraw();
    }, signal);
  }

  /** What the call is by now. @param {Item[]} items @param {number} seconds */
  show(items, seconds) {
    const first = this.items.length === 0 && this.axis.seconds <= 1;
    this.items = items;
    this.axis.grow(seconds);
    if (first) this.axis.fit();
    this.seek(this.playhead);
    this.redraw();
  }

  /** Move the playhead; `follow`: have it seen. @param {number} seconds @param {boolean} [follow] */
  seek(seconds, follow = false) {
    this.playhead = Math.min(this.axis.seconds, Math.max(0, seconds));
    const { element } = this.canvas;
    element.setAttribute("aria-valuemax", this.axis.seconds.toFixed(1));
    element.setAttribute("aria-valuenow", this.playhead.toFixed(1));
    element.setAttribute("aria-valuetext", this.chosen ? `${clock(this.playhead, 1)}. ${this.chosen.title}` : clock(this.playhead, 1));
    if (follow && !this.axis.whole && (seconds < this.axis.from || seconds > this.axis.to)) {
      this.axis.reveal(seconds);
      this.told.moved();
    }
    this.redraw();
  }

  /** @param {number} times */
  zoom(times) {
    const around = this.playhead >= this.axis.from && this.playhead <= this.axis.to ? this.playhead : (this.axis.from + this.axis.to) / 2;
    this.axis.zoom(times, around);
    this.#moved();
  }

  fit() {
    this.axis.fit();
    this.#moved();
  }

  redraw() {
    this.canvas.redraw();
    this.overview.redraw();
  }

  #moved() {
    this.#choose(null);
    this.told.moved();
    this.redraw();
  }

  /** @param {number | null} x @param {number} y */
  #point(x, y) {
    this.pointer = x;
    this.#choose(x === null ? null : itemAt(this.items, this.axis, x, y));
    this.canvas.element.style.cursor = x === null ? "" : this.chosen ? "pointer" : "crosshair";
    this.canvas.redraw();
  }

  /** @param {Item | null} item */
  #choose(item) {
    if (item === this.chosen) return;
    this.chosen = item;
    this.tip.hidden = item === null;
    if (item) {
      fill(this.tip, h("strong", null, item.title), item.lines.map((line) => h("span", null, line)));
      const { top, height } = topOf(item.track);
      const middle = Math.min(this.axis.width, Math.max(0, (this.axis.x(item.from) + this.axis.x(item.to)) / 2));
      const above = top > HEIGHT / 2;
      this.tip.classList.toggle("above", above);
      this.tip.style.setProperty("top", `${above ? top - 4 : top + height + 4}px`);
      const half = Math.min(this.tip.offsetWidth / 2, this.axis.width / 2);
      this.tip.style.setProperty("left", `${Math.min(this.axis.width - half, Math.max(half, middle))}px`);
    }
    this.canvas.redraw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 10 : Math.min(1, this.axis.span / 20);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.#go(this.playhead - step), ArrowRight: () => this.#go(this.playhead + step),
      PageUp: () => this.#go(this.playhead - this.axis.span), PageDown: () => this.#go(this.playhead + this.axis.span),
      Home: () => this.#go(0), End: () => this.#go(this.axis.seconds),
      ArrowUp: () => this.#step(-1), ArrowDown: () => this.#step(1),
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.fit(),
      " ": () => this.told.toggle(), Enter: () => this.told.play(this.playhead), Escape: () => this.#choose(null),
    };
    const does = keys[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  /** @param {number} seconds */
  #go(seconds) {
    this.#choose(null);
    this.seek(seconds, true);
    this.told.sought(this.playhead);
  }

  /** To what happened before or after. @param {1 | -1} way */
  #step(way) {
    const at = this.chosen ? this.items.indexOf(this.chosen) + way : this.items.findIndex((item) => item.from >= this.playhead) + (way < 0 ? -1 : 0);
    const item = this.items[Math.min(this.items.length - 1, Math.max(0, at))];
    if (!item) return;
    this.axis.reveal(item.from);
    this.#choose(item);
    this.seek(item.from, true);
    this.told.sought(this.playhead);
  }

  /** @param {CanvasRenderingContext2D} ink @param {number} width */
  #draw(ink, width) {
    this.axis.width = width;
    const { axis, detail } = this;
    drawGrid(ink, axis, this.theme);
    const fine = detail && detail.from_s <= axis.from && detail.from_s + detail.caller.length / detail.per_s >= Math.min(axis.to, axis.seconds) - 0.1;
    const peaks = fine ? detail : this.peaks;
    if (peaks) {
      drawWave(ink, axis, peaks, "caller", this.theme.caller, topOf("caller-wave"));
      drawWave(ink, axis, peaks, "agent", this.theme.agent, topOf("agent-wave"));
    }
    this.#line(ink, axis.x(this.playhead), this.theme.danger, "");
    drawItems(ink, axis, this.theme, this.items, this.chosen);
    if (this.pointer !== null) this.#line(ink, this.pointer, this.theme.muted, clock(axis.at(this.pointer), 1));
  }

  /** @param {CanvasRenderingContext2D} ink @param {number} x @param {string} colour @param {string} text */
  #line(ink, x, colour, text) {
    if (x < -1 || x > this.axis.width + 1) return;
    ink.fillStyle = colour;
    ink.fillRect(Math.round(x) - 0.5, 0, text ? 1 : 1.5, HEIGHT);
    if (!text) return;
    ink.font = `600 11px ${this.theme.font}`;
    const wide = ink.measureText(text).width + 10;
    const left = Math.min(this.axis.width - wide, Math.max(0, x - wide / 2));
    ink.fillStyle = this.theme.text;
    ink.beginPath();
    ink.roundRect(left, 3, wide, 19, 5);
    ink.fill();
    ink.fillStyle = this.theme.surface;
    ink.fillText(text, left + 5, 13);
  }
}
