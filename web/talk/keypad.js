// @ts-check
/** The keys of a telephone: on the screen, and those of the keyboard. */

import { h } from "../dom.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const LETTERS = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "+", ""];
const NAMES = /** @type {Record<string, string>} */ ({ "*": "star", "#": "hash" });
const LIT_MS = 150;

/**
 * @param {(digit: string) => void} press
 * @param {() => boolean} active whether keys of the keyboard count just now
 * @returns {{element: HTMLElement, close: () => void}}
 */
export function keypad(press, active) {
  const keys = KEYS.map((key, index) =>
    h("button", { class: "key", type: "button", onclick: () => press(key) }, h("span", { class: "key-digit" }, key),
      NAMES[key] && h("span", { class: "unseen" }, ` ${NAMES[key]}`), h("span", { class: "key-letters", "aria-hidden": "true" }, LETTERS[index])));
  const typed = (/** @type {KeyboardEvent} */ event) => {
    const index = KEYS.indexOf(event.key);
    if (index < 0 || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !active() || isTyping(event.target)) return;
    event.preventDefault();
    press(event.key);
    keys[index].classList.add("lit");
    setTimeout(() => keys[index].classList.remove("lit"), LIT_MS);
  };
  document.addEventListener("keydown", typed);
  return {
    element: h("div", { class: "keypad", role: "group", "aria-label": "Keypad" }, keys),
    close: () => document.removeEventListener("keydown", typed),
  };
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, dialog") !== null;
}
