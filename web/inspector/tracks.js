// @ts-check
/** Draws the tracks of a call on a canvas, and finds what stands at a place. */

import { clock } from "../calls/words.js";
import { PARTS } from "../talk/receipt.js";
import { HEIGHT, topOf, TRACKS } from "./layout.js";

const LOUDNESS = 0.6;
const NEAR_PX = 7;
const MARK_PX = 9;
const LEAST_PX = 2;
const MOST_ASIDE_PX = 60;

/** @typedef {import("./items.js").Item} Item */
/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {{per_s: number, from_s: number, caller: number[], agent: number[]}} Peaks */
/** @typedef {Record<"text" | "muted" | "line" | "surface" | "inset" | "caller" | "agent" | "accent" | "danger" | "warn", string> & {parts: Record<string, string>, font: string}} Theme */

/** @param {CanvasRenderingContext2D} ink @param {Axis} axis @param {Theme} theme */
export function drawGrid(ink, axis, theme) {
  const { step, ticks } = axis.ruler();
  ink.font = `11px ${theme.font}`;
  ink.textBaseline = "middle";
  ink.textAlign = "left";
  for (const tick of ticks) {
    const x = Math.round(axis.x(tick)) + 0.5;
    ink.fillStyle = theme.line;
    ink.fillRect(x - 0.5, 0, 1, HEIGHT);
    ink.fillStyle = theme.muted;
    ink.fillText(clock(tick, step < 0.1 ? 2 : step < 1 ? 1 : 0), x + 4, 13);
  }
  let top = 0;
  for (const track of TRACKS) {
    top += track.height;
    ink.fillStyle = theme.line;
    ink.fillRect(0, top - 1, axis.width, 1);
  }
}

/** @param {CanvasRenderingContext2D} ink @param {Axis} axis @param {Peaks} peaks @param {"caller" | "agent"} side @param {string} colour @param {{top: number, height: number}} place */
export function drawWave(ink, axis, peaks, side, colour, { top, height }) {
  const values = peaks[side];
  const middle = top + (height - 1) / 2;
  const reach = (height - 10) / 2;
  ink.fillStyle = colour;
  for (let x = 0; x < axis.width; x += 1) {
    const first = Math.floor((axis.at(x) - peaks.from_s) * peaks.per_s);
    const last = Math.max(first + 1, Math.ceil((axis.at(x + 1) - peaks.from_s) * peaks.per_s));
    if (last <= 0 || first >= values.length) continue;
    let most = 0;
    for (let index = Math.max(0, first); index < Math.min(last, values.length); index += 1) most = Math.max(most, values[index]);
    const half = Math.max(0.5, most ** LOUDNESS * reach);
    ink.fillRect(x, middle - half, 1, 2 * half);
  }
}

/** @param {CanvasRenderingContext2D} ink @param {Axis} axis @param {Theme} theme @param {Item[]} items @param {Item | null} chosen */
export function drawItems(ink, axis, theme, items, chosen) {
  for (const item of items) {
    if (item.mark === undefined || item.to === item.from) continue; // how long it took, below all marks
    const { top, height } = topOf(item.track);
    bar(ink, axis.x(item.from), axis.x(item.to), top + height / 2 - 2, 3, colourOf(item, theme), 0.6);
  }
  /** @type {Record<string, number>} where the last mark of a track stands */
  const marks = {};
  for (const item of items) {
    const [left, right] = [axis.x(item.from), Math.max(axis.x(item.to), axis.x(item.from) + LEAST_PX)];
    if (right < -MARK_PX || left > axis.width + MARK_PX) continue;
    const { top, height } = topOf(item.track);
    if (item.mark !== undefined) marks[item.track] = item.x = placeOfMark(right - LEAST_PX / 2, marks[item.track] ?? -Infinity, axis.width);
    DRAW[item.track]({ ink, axis, theme, item, left, right, top, height, chosen: item === chosen });
  }
}

/** Marks stand beside each other where there is room, and never half outside. @param {number} x @param {number} before @param {number} width */
function placeOfMark(x, before, width) {
  const beside = x - before < 2 * MARK_PX + 1 ? Math.min(before + 2 * MARK_PX + 1, x + MOST_ASIDE_PX) : x;
  return Math.min(width - MARK_PX - 1, Math.max(MARK_PX + 1, beside));
}

/** @typedef {{ink: CanvasRenderingContext2D, axis: Axis, theme: Theme, item: Item, left: number, right: number, top: number, height: number, chosen: boolean}} Stroke */

/** @type {Record<Item["track"], (stroke: Stroke) => void>} */
const DRAW = {
  speech: ({ ink, theme, left, right, top, height, chosen }) => bar(ink, left, right, top + 7, height - 15, theme.caller, chosen ? 1 : 0.75),
  caller(stroke) {
    box(stroke, stroke.theme.caller);
    const { ink, axis, theme, item, top, height } = stroke;
    ink.fillStyle = theme.caller;
    const { left, right } = stroke;
    for (const at of (item.partials ?? []).filter((each) => each <= item.to)) ink.fillRect(Math.min(right - 1, Math.max(left, axis.x(at))), top + height - 8, 1, 4);
    for (const at of item.eager ?? []) ink.fillRect(Math.min(right, Math.max(left + 2, axis.x(at))) - 2, top + height - 10, 2, 6);
  },
  agent: (stroke) => box(stroke, stroke.theme.agent),
  floor: mark,
  events: mark,
  receipts({ ink, axis, theme, item, top, height, chosen }) {
    let at = item.from;
    for (const [name] of PARTS) {
      const seconds = Math.max(0, Number(item.receipt?.[name]) || 0) / 1000;
      ink.fillStyle = theme.parts[name];
      ink.fillRect(axis.x(at), top + (chosen ? 4 : 6), Math.max(seconds > 0 ? 0.75 : 0, axis.x(at + seconds) - axis.x(at)), height - (chosen ? 9 : 13));
      at += seconds;
    }
  },
};

/** @param {Item} item @param {Theme} theme */
function colourOf({ tone }, theme) {
  return tone === "danger" ? theme.danger : tone === "warn" ? theme.warn : theme.muted;
}

/** A letter in a ring. @param {Stroke} stroke */
function mark({ ink, theme, item, right, top, height, chosen }) {
  const x = item.x ?? right;
  const colour = colourOf(item, theme);
  const middle = top + (height - 1) / 2;
  ink.beginPath();
  ink.arc(x, middle, MARK_PX, 0, 2 * Math.PI);
  ink.fillStyle = chosen ? colour : theme.surface;
  ink.fill();
  ink.strokeStyle = colour;
  ink.lineWidth = 1.25;
  ink.stroke();
  ink.fillStyle = chosen ? theme.surface : colour;
  ink.font = `600 10px ${theme.font}`;
  ink.textAlign = "center";
  ink.fillText(item.mark ?? "", x, middle + 0.5);
  ink.textAlign = "left";
}

/** @param {CanvasRenderingContext2D} ink @param {number} left @param {number} right @param {number} top @param {number} height @param {string} colour @param {number} alpha */
function bar(ink, left, right, top, height, colour, alpha) {
  ink.globalAlpha = alpha;
  ink.fillStyle = colour;
  ink.beginPath();
  ink.roundRect(left, top, right - left, height, Math.min(3, height / 2, (right - left) / 2));
  ink.fill();
  ink.globalAlpha = 1;
}

/** Words in a box as long as they sounded; what was not heard of them is faint and struck. @param {Stroke} stroke @param {string} colour */
function box({ ink, axis, theme, item, left, right, top, height, chosen }, colour) {
  bar(ink, left, right, top + 4, height - 9, colour, chosen ? 0.34 : 0.16);
  bar(ink, left, Math.min(right, left + 2), top + 4, height - 9, colour, 1);
  const begin = Math.max(left, 0) + 7;
  const room = Math.min(right, axis.width) - begin - 3;
  if (room < 14) return;
  ink.save();
  ink.beginPath();
  ink.rect(begin, top, room, height);
  ink.clip();
  ink.font = `12px ${theme.font}`;
  ink.fillStyle = theme.text;
  const heard = item.text ?? "";
  const middle = top + (height - 1) / 2;
  ink.fillText(heard, begin, middle);
  if (item.unheard) {
    const after = begin + ink.measureText(heard).width;
    ink.fillStyle = theme.muted;
    ink.fillText(item.unheard, after, middle);
    ink.fillRect(after, middle, ink.measureText(item.unheard).width, 1);
  }
  ink.restore();
}

/** What stands at a place. @param {Item[]} items @param {Axis} axis @param {number} x @param {number} y @returns {Item | null} */
export function itemAt(items, axis, x, y) {
  let top = 0;
  const track = TRACKS.find((each) => (top += each.height) > y)?.name;
  let found = null;
  let nearest = NEAR_PX;
  for (const item of items) {
    if (item.track !== track) continue;
    const [left, right] = item.x === undefined ? [axis.x(item.from), axis.x(item.to)] : [item.x - MARK_PX, item.x + MARK_PX];
    const away = x < left ? left - x : x > right ? x - right : 0;
    if (away <= nearest) [found, nearest] = [item, away];
  }
  return found;
}
