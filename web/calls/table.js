// @ts-check
/** The table of calls: live ones first, with what was said last on them; it keeps the focus where it was. */

import { fill, h } from "../dom.js";
import { COLUMNS, row } from "./rows.js";

/** @typedef {import("./rows.js").Summary} Summary */

const MAX_WORDS = 140;
const CLASSES = ["", "call-wide", "end", "end call-wide", "end call-wide", "call-end"];

export class CallTable {
  constructor() {
    /** @type {Summary[]} */
    this.live = [];
    /** @type {Summary[]} */
    this.ended = [];
    /** @type {Map<string, string>} what was said last on a live call */
    this.words = new Map();
    this.takenAt = performance.now();
    this.body = h("tbody");
    this.element = h("table", { class: "table calls" },
      h("caption", { class: "unseen" }, "Calls, the newest first"),
      h("thead", null, h("tr", null, COLUMNS.map((name, index) => h("th", { scope: "col", class: CLASSES[index] }, name)))),
      this.body);
  }

  get empty() {
    return this.live.length + this.ended.length === 0;
  }

  /** What the server says that there is. @param {Summary[]} live @param {Summary[]} found */
  take(live, found) {
    const going = found.filter((call) => call.state !== "ended" && !live.some((each) => each.id === call.id));
    this.live = [...going, ...live].sort((one, other) => (one.started_at < other.started_at ? 1 : -1));
    this.ended = found.filter((call) => call.state === "ended");
    this.takenAt = performance.now();
    const ids = new Set(this.live.map((call) => call.id));
    for (const id of this.words.keys()) if (!ids.has(id)) this.words.delete(id);
  }

  /** More of the ended ones. @param {Summary[]} found */
  add(found) {
    const known = new Set(this.ended.map((call) => call.id));
    this.ended.push(...found.filter((call) => call.state === "ended" && !known.has(call.id)));
  }

  /** Something was said. @param {any} event */
  said(event) {
    const caller = event.type === "caller_said";
    const text = caller ? event.text : event.type === "agent_said" ? event.heard : "";
    if (text) this.words.set(String(event.call), `${caller ? "Caller" : "Agent"}: ${String(text).slice(0, MAX_WORDS)}`);
  }

  draw() {
    const focused = document.activeElement?.closest("tr")?.getAttribute("data-call");
    const calls = [...this.live, ...this.ended];
    fill(this.body, calls.map((call) => row(call, this.#now(call))));
    this.element.hidden = calls.length === 0;
    if (focused) this.#row(focused)?.querySelector("a")?.focus({ preventScroll: true });
  }

  /** A second has passed. */
  tick() {
    for (const call of this.live) {
      const cell = this.#row(call.id)?.querySelector(".call-length");
      if (call.state === "live") cell?.replaceWith(row(call, this.#now(call)).querySelector(".call-length") ?? "");
    }
  }

  /** Go on with the keyboard behind this call. @param {string} id */
  focusAfter(id) {
    this.#row(id)?.nextElementSibling?.querySelector("a")?.focus();
  }

  get last() {
    return this.body.lastElementChild?.getAttribute("data-call") ?? "";
  }

  /** @param {string} id @returns {HTMLElement | null} */
  #row(id) {
    return this.body.querySelector(`[data-call="${CSS.escape(id)}"]`);
  }

  /** @param {Summary} call */
  #now(call) {
    const since = call.state === "live" ? (performance.now() - this.takenAt) / 1000 : 0;
    return { seconds: call.duration_s + since, words: call.state === "live" ? this.words.get(call.id) : undefined };
  }
}
