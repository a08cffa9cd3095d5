// @ts-check
/** An answer's wait as a small bar of its parts; what they are is told on hover and focus. */

import { freshId } from "../components.js";
import { h } from "../dom.js";
import { endOfTurn } from "./words.js";

/** @type {["waited" | "words" | "think" | "voice" | "wire", string][]} */
export const PARTS = [
  ["waited", "Silence waited for"],
  ["words", "Words decoded"],
  ["think", "Answer’s first text"],
  ["voice", "Its first sound made"],
  ["wire", "On its way out"],
];

/** The height of the parts, about. */
const NEEDS_PX = 220;

/**
 * @param {import("./conversation.js").Receipt} receipt
 * @param {string} reason why the turn was over
 * @returns {HTMLElement}
 */
export function receiptBar(receipt, reason) {
  const parts = PARTS.map(([name, label]) => ({ name, label, ms: Math.max(0, Number(receipt[name]) || 0) }));
  const total = parts.reduce((sum, part) => sum + part.ms, 0);
  const bar = h("span", { class: "stacked", "aria-hidden": "true" },
    parts.map(({ name, ms }) => h("span", { class: `part-${name}`, style: { "--share": ms } })));
  const why = reason ? `The turn was over because ${endOfTurn(reason)}.` : "";
  const ahead = receipt.speculated ? "The answer was begun before that." : "";
  const details = h("span", { class: "receipt-parts", role: "tooltip", id: freshId() },
    parts.map(({ name, label, ms }) => h("span", { class: "receipt-part" },
      h("span", { class: `swatch part-${name}` }), h("span", { class: "grow" }, label), h("span", { class: "number" }, ` ${ms} ms`))),
    h("span", { class: "receipt-why" }, [why, ahead].filter(Boolean).join(" ")));
  const button = h("button", {
    class: "receipt-bar", type: "button", "aria-describedby": details.id,
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && button.blur(),
  }, h("span", { class: "unseen" }, "Answered in "), bar, h("span", { class: "number" }, `${total} ms`));
  return h("span", { class: "receipt", onpointerenter: place, onfocusin: place }, button, details);
}

/** The parts stand below the bar, or above it where there is no room. @param {Event} event */
function place({ currentTarget }) {
  if (!(currentTarget instanceof HTMLElement)) return;
  const frame = currentTarget.closest(".scroller, .timed-scroller")?.getBoundingClientRect() ?? { top: 0, bottom: innerHeight };
  const { top, bottom } = currentTarget.getBoundingClientRect();
  const below = frame.bottom - bottom;
  currentTarget.classList.toggle("up", below < NEEDS_PX && top - frame.top > below);
}
