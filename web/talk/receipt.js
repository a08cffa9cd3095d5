// @ts-check
/** An answer's wait as a small bar of its parts; what they are is told on hover and focus. */

import { h } from "../dom.js";
import { endOfTurn } from "./words.js";

/** @type {["waited" | "words" | "think" | "voice" | "wire", string][]} */
export const PARTS = [
  ["waited", "Silence waited for"],
  ["words", "Until the words were there"],
  ["think", "Until the answer's first text"],
  ["voice", "Until its first sound"],
  ["wire", "Until it was audible"],
];

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
  const details = h("span", { class: "receipt-parts", role: "tooltip" },
    parts.map(({ name, label, ms }) => h("span", { class: "receipt-part" },
      h("span", { class: `swatch part-${name}` }), h("span", { class: "grow" }, label), h("span", { class: "number" }, `${ms} ms`))),
    h("span", { class: "receipt-why" }, [why, ahead].filter(Boolean).join(" ")));
  const spoken = `Answered in ${total} ms: ${parts.map(({ label, ms }) => `${label} ${ms}`).join(", ")}. ${why} ${ahead}`.trim();
  return h("button", { class: "receipt", type: "button", "aria-label": spoken }, bar, h("span", { class: "number" }, `${total} ms`), details);
}
