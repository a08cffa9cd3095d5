// @ts-check
/** A transcript to read: each word has its time, and is heard when it is pressed. */

import { clock } from "../engines.js";
import { fill, h } from "../dom.js";

/** A word that is pressed is played from a little before it, and is lit from there; browsers seek to about where they are told. */
export const LEAD_S = 0.06;

export class Reader {
  /** @param {{play: (seconds: number) => void, point: (word: import("./captions.js").Word | null) => void}} told */
  constructor(told) {
    this.told = told;
    this.words = /** @type {{word: import("./captions.js").Word, element: HTMLElement}[]} */ ([]);
    this.current = -1;
    this.coming = h("p", { class: "coming", "aria-hidden": "true" });
    this.list = h("div", { class: "pieces" });
    this.element = h("div", {
      class: "reader", role: "group", "aria-label": "Transcript; arrow keys go from word to word, Enter plays from there",
      onclick: (/** @type {Event} */ event) => this.#press(event), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      onpointerover: (/** @type {Event} */ event) => this.#point(event), onfocusin: (/** @type {Event} */ event) => this.#point(event),
      onpointerleave: () => told.point(null),
    }, this.list, this.coming);
  }

  clear() {
    fill(this.list);
    this.words = [];
    this.current = -1;
    this.partial("");
  }

  /** @param {string} text what is being said, and may change */
  partial(text) {
    this.coming.textContent = text;
  }

  /** @param {import("./captions.js").Segment} segment */
  add({ start, text, words = [] }) {
    const said = words.length > 0 ? words.map((word) => [this.#word(word), " "]) : text;
    this.list.append(h("div", { class: "piece" }, h("span", { class: "piece-time number" }, clock(start)), h("p", null, said)));
  }

  /** @param {import("./captions.js").Word} word */
  #word(word) {
    const index = this.words.length;
    const element = h("span", {
      class: word.confidence < 0.5 ? "word unsure" : "word", role: "button", tabIndex: index === 0 ? 0 : -1, dataset: { index },
      "aria-label": `${word.text}, at ${clock(word.start, true)}`,
    }, word.text);
    this.words.push({ word, element });
    return element;
  }

  /** What was said last is in view. */
  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** The word that sounds at this time is shown so. @param {number} seconds */
  light(seconds) {
    const soon = seconds + LEAD_S + 0.03;
    let [at, behind] = [0, this.words.length];
    while (at < behind) {
      const middle = (at + behind) >> 1;
      if (this.words[middle].word.end <= soon) at = middle + 1;
      else behind = middle;
    }
    const now = at < this.words.length && this.words[at].word.start <= soon ? at : -1;
    if (now === this.current) return;
    this.words[this.current]?.element.classList.remove("sounds");
    this.words[now]?.element.classList.add("sounds");
    this.current = now;
  }

  /** @param {Event} event */
  #of(event) {
    const target = event.target instanceof Element ? event.target.closest(".word") : null;
    return target instanceof HTMLElement ? Number(target.dataset.index) : -1;
  }

  /** @param {Event} event */
  #point(event) {
    this.told.point(this.words[this.#of(event)]?.word ?? null);
  }

  /** @param {Event} event */
  #press(event) {
    const index = this.#of(event);
    if (index < 0 || !getSelection()?.isCollapsed) return;
    this.#stand(index);
    this.told.play(this.words[index].word.start);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const index = this.#of(event);
    if (index < 0) return;
    if (event.key === "Enter" || event.key === " ") this.told.play(this.words[index].word.start);
    else if (event.key === "ArrowRight") this.#stand(index + 1);
    else if (event.key === "ArrowLeft") this.#stand(index - 1);
    else if (event.key === "Home") this.#stand(0);
    else if (event.key === "End") this.#stand(this.words.length - 1);
    else return;
    event.preventDefault();
  }

  /** One of the words is in the order of the tab key. @param {number} index */
  #stand(index) {
    const next = this.words[index];
    if (!next) return;
    this.list.querySelector('.word[tabindex="0"]')?.setAttribute("tabindex", "-1");
    next.element.tabIndex = 0;
    next.element.focus();
  }
}
