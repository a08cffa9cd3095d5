// @ts-check
/** Draws the lines of a conversation, and keeps the newest in sight unless the visitor has scrolled away. */

import { badge } from "../components.js";
import { h } from "../dom.js";
import { receiptBar } from "./receipt.js";

const NEAR_PX = 80;

export class Transcript {
  /** @param {HTMLElement} scroller what scrolls */
  constructor(scroller) {
    this.scroller = scroller;
    this.list = h("div", { class: "transcript", role: "log", "aria-live": "off", "aria-label": "What was said" });
    /** @type {Map<number, HTMLElement>} */
    this.elements = new Map();
    /** The three dots of a caller who speaks without words yet. */
    this.dots = h("div", { class: "line caller dots", hidden: true, "aria-hidden": "true" },
      h("div", { class: "bubble" }, h("span"), h("span"), h("span")));
    this.list.append(this.dots);
  }

  /** @param {import("./conversation.js").Line} line */
  draw(line) {
    const follow = this.#follows();
    const before = this.elements.get(line.id);
    if (before?.contains(document.activeElement) && line.who === "caller") return; // its parts are being read
    const element = DRAW[line.who](/** @type {any} */ (line));
    if (before) before.replaceWith(element);
    else this.dots.before(element);
    this.elements.set(line.id, element);
    if (follow) this.#follow();
  }

  /** Whether the caller is heard, without words so far. @param {boolean} shown */
  listening(shown) {
    if (this.dots.hidden === !shown) return;
    const follow = this.#follows();
    this.dots.hidden = !shown;
    if (follow) this.#follow();
  }

  /** Take away what is no longer among these. @param {import("./conversation.js").Line[]} lines */
  keep(lines) {
    const ids = new Set(lines.map((line) => line.id));
    for (const [id, element] of this.elements) {
      if (ids.has(id)) continue;
      element.remove();
      this.elements.delete(id);
    }
  }

  #follows() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #follow() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

const DRAW = {
  /** @param {import("./conversation.js").CallerLine} line */
  caller(line) {
    const stable = line.final ? line.text.length : Math.min(line.stable, line.text.length);
    const notes = [];
    if (line.reason === "typed") notes.push(badge("Typed"));
    if (line.reason === "aside") notes.push(badge("In passing"));
    if (line.receipt) notes.push(receiptBar(line.receipt, line.reason));
    return h("div", { class: `line caller${line.final ? "" : " open"}` },
      h("p", { class: "bubble" }, h("span", { class: "unseen" }, "You: "), line.text.slice(0, stable),
        stable < line.text.length && h("span", { class: "unsure" }, line.text.slice(stable)),
        line.final && line.text === "" && h("span", { class: "unsure" }, "(nothing understood)")),
      notes.length > 0 && h("div", { class: "meta" }, notes));
  },

  /** @param {import("./conversation.js").AgentLine} line */
  agent(line) {
    const heard = line.over && line.complete ? line.text.length : wordEnd(line.text, line.heard);
    const cutOff = line.over && heard < line.text.length;
    const note = cutOff ? badge(heard > 0 ? "Cut off" : "Not heard", "warn") : line.held ? badge("Paused: you are speaking", "warn live") : null;
    return h("div", { class: `line agent${line.over ? "" : " open"}${line.held ? " held" : ""}` },
      h("p", { class: "bubble" }, h("span", { class: "unseen" }, "Agent: "), h("span", { class: "heard" }, line.text.slice(0, heard)),
        heard < line.text.length && (cutOff ? h("s", { class: "unheard" }, line.text.slice(heard)) : h("span", { class: "coming" }, line.text.slice(heard)))),
      note && h("div", { class: "meta" }, note));
  },

  /** @param {import("./conversation.js").Aside} line */
  aside: (line) => h("div", { class: `line aside ${line.tone}`.trim() }, h("span", null, line.text)),
};

/** Where the next word begins, so that no line is drawn through a space. @param {string} text @param {number} heard */
function wordEnd(text, heard) {
  let end = Math.min(heard, text.length);
  while (end > 0 && text[end] === " ") end += 1;
  return end;
}
