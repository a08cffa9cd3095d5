// @ts-check
/** What every view is made of: buttons, fields, meters, banners, dialogs. Their looks are in style.css. */

import { fill, h, icon } from "./dom.js";

/** @typedef {Parameters<typeof icon>[0]} IconName */

let ids = 0;

/** An id that nothing else on the page has. */
export function freshId() {
  ids += 1;
  return `x${ids}`;
}

/**
 * A button. With an icon alone (`iconOnly`) the label is its name and tooltip.
 *
 * @param {{label: string, onclick?: (event: MouseEvent) => void, icon?: IconName, kind?: "" | "primary" | "danger" | "quiet",
 *   small?: boolean, iconOnly?: boolean, type?: string, disabled?: boolean, pressed?: boolean}} options
 * @returns {HTMLButtonElement}
 */
export function button(options) {
  const { label, onclick, kind = "", small = false, iconOnly = false, type = "button", disabled = false, pressed } = options;
  const classes = ["button", kind, small && "small", iconOnly && "square"].filter(Boolean).join(" ");
  return h(
    "button",
    {
      class: classes, type, disabled, onclick: onclick ?? (() => {}), "aria-pressed": pressed,
      "aria-label": iconOnly ? label : undefined, title: iconOnly ? label : undefined,
    },
    options.icon && icon(options.icon),
    !iconOnly && label,
  );
}

/**
 * A control with its label, and a hint below it.
 *
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [hint]
 * @returns {HTMLElement}
 */
export function field(label, control, hint) {
  control.id ||= freshId();
  const below = hint ? h("p", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (below) control.setAttribute("aria-describedby", below.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, below);
}

/**
 * A choice of one.
 *
 * @param {{value: string, label: string}[]} options
 * @param {{value?: string, onchange?: (value: string) => void, disabled?: boolean}} [props]
 * @returns {HTMLSelectElement}
 */
export function select(options, { value, onchange, disabled = false } = {}) {
  const element = h("select", { class: "select", disabled, onchange: () => onchange?.(element.value) });
  setOptions(element, options, value);
  return element;
}

/**
 * @param {HTMLSelectElement} element
 * @param {{value: string, label: string}[]} options
 * @param {string} [value] what is chosen; where it is not among them, the first
 */
export function setOptions(element, options, value) {
  fill(element, ...options.map((option) => h("option", { value: option.value }, option.label)));
  element.value = options.some((option) => option.value === value) ? String(value) : (options[0]?.value ?? "");
}

/**
 * A level from 0 to 1; screen readers pass it by.
 *
 * @param {string} [colour] a token, such as "--caller"
 * @returns {{element: HTMLElement, set: (level: number) => void}}
 */
export function meter(colour = "--accent") {
  const element = h("div", { class: "meter", style: { "--meter": `var(${colour})` }, "aria-hidden": "true" }, h("span"));
  return { element, set: (level) => element.style.setProperty("--level", String(Math.min(1, Math.max(0, level)))) };
}

/**
 * How far something is, from 0 to 1.
 *
 * @param {string} label
 * @returns {{element: HTMLElement, set: (done: number) => void}}
 */
export function progress(label) {
  const element = h("div", { class: "progress", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, h("span"));
  const set = (/** @type {number} */ done) => {
    element.style.setProperty("--done", String(done));
    element.setAttribute("aria-valuenow", String(Math.round(100 * done)));
  };
  set(0);
  return { element, set };
}

/** @param {string} text @param {"" | "accent" | "ok" | "warn" | "danger" | "ok live" | "accent live"} [tone] */
export function badge(text, tone = "") {
  return h("span", { class: `badge ${tone}`.trim() }, text);
}

/**
 * Something to know, in the flow of the view.
 *
 * @param {{tone?: "" | "warn" | "danger", title: string, detail?: import("./dom.js").Child, actions?: HTMLElement[]}} options
 * @returns {HTMLElement}
 */
export function banner({ tone = "", title, detail, actions = [] }) {
  return h(
    "div",
    { class: `banner ${tone}`.trim(), role: tone === "danger" ? "alert" : "status" },
    icon(tone ? "alert" : "info"),
    h("div", { class: "grow stack tight" }, h("div", null, h("strong", null, title), detail && h("p", { class: "muted" }, detail)),
      actions.length > 0 && h("div", { class: "row wrap" }, ...actions)),
  );
}

/** @param {{icon: IconName, title: string, text?: string, action?: HTMLElement}} options @returns {HTMLElement} */
export function emptyState({ icon: name, title, text, action }) {
  return h("div", { class: "empty" }, icon(name), h("h2", null, title), text && h("p", null, text), action);
}

/**
 * A dialog that is open until it is answered; Escape answers null.
 *
 * @param {(close: (answer: any) => void) => {title: string, body: import("./dom.js").Child}} build
 * @returns {Promise<any>} what `close` was called with, or null
 */
export function dialog(build) {
  return new Promise((resolve) => {
    let answer = /** @type {any} */ (null);
    const close = (/** @type {any} */ given) => {
      answer = given;
      element.close();
    };
    const { title, body } = build(close);
    const name = freshId();
    const element = h("dialog", { class: "dialog", "aria-labelledby": name }, h("div", { class: "body" }, h("h2", { id: name }, title), body));
    element.addEventListener("close", () => {
      element.remove();
      resolve(answer);
    });
    document.body.append(element);
    element.showModal();
  });
}

/**
 * Ask whether to do what cannot be undone.
 *
 * @param {{title: string, text: string, yes: string}} options `yes`: what the button says
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, text, yes }) {
  const answer = await dialog((close) => ({
    title,
    body: [
      h("p", { class: "muted" }, text),
      h("div", { class: "actions" }, button({ label: "Cancel", onclick: () => close(false) }), button({ label: yes, kind: "danger", onclick: () => close(true) })),
    ],
  }));
  return answer === true;
}
