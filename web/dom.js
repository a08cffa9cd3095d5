// @ts-check
/** Elements made with calls: what comes from callers, servers and dialplans goes in as text, never as markup. */

/** @typedef {Node | string | number | false | null | undefined | Child[]} Child */

/**
 * An element. Of `props`: `class`, `style` (custom properties and CSS names, by name), `dataset`, `on…` listeners;
 * names with a hyphen and `role`, `for` are attributes; whatever else is a property of the element (`disabled`, `value`).
 * A prop that is undefined is left out.
 *
 * @param {string} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Child} children
 * @returns {any} the element
 */
export function h(tag, props = null, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, String(text));
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || ATTRIBUTES.has(name)) setAttribute(element, name, value);
    else Reflect.set(element, name, value);
  }
  append(element, children);
  return element;
}

const ATTRIBUTES = new Set(["role", "for", "list", "form"]);

/** @param {Element} element @param {string} name @param {any} value */
function setAttribute(element, name, value) {
  if (value === null || (value === false && !name.startsWith("aria-"))) element.removeAttribute(name);
  else element.setAttribute(name, String(value));
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Put these in the place of all that an element holds.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** Lines on a grid of 24, by name. */
const ICONS = {
  alert: "M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17.4v.1",
  back: "M19 12H5M11 6l-6 6 6 6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7 10.5l5 5 5-5M4 20h16",
  end: "M3 15.2v-1.6c0-1.2.7-2.2 1.8-2.7a17.6 17.6 0 0 1 14.4 0c1.1.5 1.8 1.5 1.8 2.7v1.6c0 .8-.7 1.4-1.5 1.2l-2.9-.6a1.3 1.3 0 0 1-1-1.2v-1.4a12 12 0 0 0-7.2 0v1.4c0 .6-.4 1.1-1 1.2l-2.9.6c-.8.2-1.5-.4-1.5-1.2Z",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 11v5M12 7.9V8",
  key: "M8.5 19a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM12 11.5 19.5 4M16 7.5l3 3",
  keypad: "M6 5v.1M12 5v.1M18 5v.1M6 10.5v.1M12 10.5v.1M18 10.5v.1M6 16v.1M12 16v.1M18 16v.1M12 21v.1",
  microphone: "M12 3a3 3 0 0 0-3 3v5.5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  minus: "M5 12h14",
  muted: "M9 9v2.5a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.9-.8M5.5 11.5a6.5 6.5 0 0 0 10.4 5.2M18.4 12.6l.1-1.1M12 18v3M4 3.5 20 20.5",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5v15l12-7.5-12-7.5Z",
  plus: "M12 5v14M5 12h14",
  retry: "M20 5v5h-5M19.5 10A8 8 0 1 0 20 13.5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20",
  send: "M4.5 12h14M12.5 6l6 6-6 6",
  speaker: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11",
  stop: "M7 7h10v10H7z",
  talk: "M6 10.5v3M9 8v8M12 5v14M15 8.5v7M18 10.5v3",
  trash: "M4 7h16M9.5 7V4h5v3M6.5 7l.8 13h9.4l.8-13M10.5 11v5.5M13.5 11v5.5",
  upload: "M12 15.5V4M7 9l5-5 5 5M4 20h16",
};

/**
 * An icon; it says nothing to screen readers, so what holds it needs a name.
 *
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", name === "keypad" ? "icon heavy" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
