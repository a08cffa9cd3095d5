// @ts-check
/** What was said, with its times: the chart in words. It follows the playhead. */

import { badge } from "../components.js";
import { clock } from "../calls/words.js";
import { fill, h } from "../dom.js";
import { receiptBar } from "../talk/receipt.js";

/** @typedef {import("./items.js").Entry} Entry */

export class TimedTranscript {
  /** @param {(seconds: number) => void} play @param {boolean} hearable whether there is anything to hear */
  constructor(play, hearable) {
    this.play = play;
    this.hearable = hearable;
    /** @type {{entry: Entry, element: HTMLElement, print: string}[]} */
    this.lines = [];
    this.current = -1;
    this.list = h("ol", { class: "timed" });
    this.element = h("div", { class: "timed-scroller", tabIndex: 0, role: "region", "aria-label": "Transcript" }, this.list);
  }

  /** Draw what is new or other than before. @param {Entry[]} entries */
  show(entries) {
    const atEnd = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < 40;
    const grows = this.lines.length > 0 && entries.length > this.lines.length;
    this.lines = entries.map((entry, index) => {
      const print = JSON.stringify(entry);
      const before = this.lines[index];
      return before?.print === print ? before : { entry, element: this.#line(entry), print };
    });
    fill(this.list, this.lines.map((line) => line.element));
    if (entries.length === 0) fill(this.list, h("li", { class: "muted small" }, "Nothing was said."));
    if (grows && atEnd) this.element.scrollTop = this.element.scrollHeight;
  }

  /** Mark what is said at this moment; `follow`: have it seen. @param {number} seconds @param {boolean} follow */
  mark(seconds, follow) {
    let current = -1;
    for (const [index, { entry }] of this.lines.entries()) if (entry.who !== "event" && entry.at <= seconds + 0.05) current = index;
    const before = this.lines[this.current]?.element;
    const now = this.lines[current]?.element;
    if (before !== now) before?.removeAttribute("aria-current");
    if (now && !now.hasAttribute("aria-current")) {
      now.setAttribute("aria-current", "true");
      if (follow) this.#reveal(now);
    }
    this.current = current;
  }

  /** @param {HTMLElement} element */
  #reveal(element) {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    if (scrollHeight <= clientHeight) return;
    const top = element.offsetTop - this.element.offsetTop;
    if (top < scrollTop || top + element.offsetHeight > scrollTop + clientHeight) this.element.scrollTop = top - clientHeight / 3;
  }

  /** @param {Entry} entry */
  #line(entry) {
    const time = clock(entry.at, 1);
    const start = this.hearable
      ? h("button", { class: "timed-at number", type: "button", "aria-label": `Hear from ${time}`, onclick: () => this.play(entry.at) }, time)
      : h("span", { class: "timed-at number" }, time);
    if (entry.who === "event") return h("li", { class: `timed-line event ${entry.tone}`.trim() }, start, h("span", { class: "grow small" }, entry.text));
    const notes = [
      entry.note && badge(entry.note, "warn"),
      entry.reason === "aside" && badge("In passing"),
      entry.reason === "typed" && badge("Typed"),
      entry.receipt && receiptBar(entry.receipt, entry.reason),
    ].filter(Boolean);
    return h("li", { class: `timed-line ${entry.who}` }, start,
      h("div", { class: "grow" }, h("span", { class: "timed-who" }, entry.who === "caller" ? "Caller" : "Agent"),
        h("p", { class: "timed-text" }, entry.text, entry.unheard && h("s", { class: "unheard" }, entry.unheard)),
        notes.length > 0 && h("div", { class: "timed-notes" }, notes)));
  }
}
