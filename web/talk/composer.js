// @ts-check
/** Where the visitor types what they would rather not say. */

import { button } from "../components.js";
import { h } from "../dom.js";

const MAX_TEXT = 2000;
const PROMPT = "Type instead of speaking";

/**
 * @param {(text: string) => void} send
 * @returns {{element: HTMLElement, enable: (enabled: boolean) => void}}
 */
export function composer(send) {
  const input = h("input", { class: "input", maxLength: MAX_TEXT, placeholder: PROMPT, "aria-label": PROMPT, autocomplete: "off" });
  const submit = button({ label: "Send", icon: "send", kind: "quiet", iconOnly: true, type: "submit" });
  const sent = (/** @type {Event} */ event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text && !input.disabled) send(text);
    input.value = "";
  };
  return {
    element: h("form", { class: "compose", onsubmit: sent }, input, submit),
    enable: (enabled) => {
      input.disabled = submit.disabled = !enabled;
    },
  };
}
