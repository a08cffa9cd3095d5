// @ts-check
/** The page's shell: which view is shown, the key, what is told to the visitor. */

import * as api from "./api.js";
import { button, dialog, emptyState, field } from "./components.js";
import { fill, h, icon } from "./dom.js";
import { ROUTES } from "./routes.js";

/**
 * What the server says of itself (`GET /v1/page`).
 *
 * @typedef {{version: string, auth: boolean, may_call: boolean, dialplans: {name: string, default: boolean}[],
 *   ice_servers: RTCIceServer[], sample_rate: number, recording: boolean}} Page `may_call`: the key is right, or none is wanted
 */

/**
 * What a view is given.
 *
 * @typedef {object} Context
 * @property {string} argument the segment of the address that the route's `*` stands for, or ""
 * @property {() => Promise<Page>} page what the server says of itself, asked anew
 * @property {(text: string, tone?: "" | "danger") => void} notice tell something that passes
 * @property {(text: string) => void} announce have screen readers say this when they are at leisure
 * @property {(path: string) => void} go show another view: "calls", "calls/7f3a"
 */

const root = byId("view");
const tabs = byId("tabs");
const notices = byId("notices");
const polite = byId("polite");

/** @type {() => void} */
let unmount = () => {};
let shown = 0;

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no #${id}`);
  return element;
}

/** @type {Context["notice"]} */
function notice(text, tone = "") {
  const close = () => element.remove();
  const element = h(
    "div",
    { class: `notice ${tone}`.trim(), role: tone === "danger" ? "alert" : "status" },
    icon(tone === "danger" ? "alert" : "info"),
    h("p", { class: "grow" }, text),
    button({ label: "Dismiss", icon: "close", kind: "quiet", small: true, iconOnly: true, onclick: close }),
  );
  notices.append(element);
  while (notices.childElementCount > 3) notices.firstElementChild?.remove();
  if (tone !== "danger") setTimeout(close, 6000);
}

/** @type {Context["announce"]} */
function announce(text) {
  polite.append(h("p", null, text));
  while (polite.childElementCount > 5) polite.firstElementChild?.remove();
}

/** The route of an address, and what its `*` stands for. @param {string} hash */
function routeOf(hash) {
  const [first, second = ""] = hash.replace(/^#\/?/, "").split("/").map(plain);
  const route = ROUTES.find((each) => each.path === (second ? `${first}/*` : first)) ?? ROUTES[0];
  return { route, argument: second };
}

/** @param {string} segment */
function plain(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

async function show() {
  const { route, argument } = routeOf(location.hash);
  const turn = ++shown;
  unmount();
  unmount = () => {};
  markTab(route);
  let view;
  try {
    view = await route.load();
  } catch {
    fill(root, emptyState({
      icon: "alert", title: "This view could not be loaded", text: "The server did not send a part of the page.",
      action: button({ label: "Try again", icon: "retry", onclick: () => location.reload() }),
    }));
    return;
  }
  if (turn !== shown) return;
  fill(root);
  const page = () => api.json("/v1/page");
  const go = (/** @type {string} */ path) => (location.hash = `#/${path}`);
  unmount = view.mount(root, { argument, page, notice, announce, go });
}

/** @param {typeof ROUTES[number]} route */
function markTab(route) {
  const current = route.under ?? route.path;
  for (const tab of tabs.children) {
    if (tab instanceof HTMLElement && tab.dataset.path === current) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  const title = ROUTES.find((each) => each.path === current)?.title;
  document.title = title ? `${title} · media-server` : "media-server";
}

/** @param {boolean} wrong @returns {Promise<string | null>} */
async function askForKey(wrong) {
  const given = await dialog((close) => {
    const input = h("input", { class: "input", type: "password", autocomplete: "off", required: true, "aria-invalid": wrong });
    const hint = wrong ? "That key is not the server's. Try it again." : "It stays in this tab, and is forgotten when you close it.";
    return {
      title: "This server wants a key",
      body: h("form", { onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), close(input.value.trim())) },
        field("API key", input, hint),
        h("div", { class: "actions" },
          button({ label: "Cancel", onclick: () => close(null) }), button({ label: "Continue", kind: "primary", type: "submit" }))),
    };
  });
  if (given || wrong) api.setKey(given);
  return given;
}

async function changeKey() {
  if (await askForKey(false)) void show();
}

/** A way to the key, where the server wants one. */
async function offerKey() {
  try {
    const { auth } = await api.json("/v1/page");
    if (auth) byId("bar-end").append(button({ label: "API key", icon: "key", kind: "quiet", iconOnly: true, onclick: changeKey }));
  } catch (error) {
    if (!(error instanceof api.Problem)) throw error;
    notice(`${error.title}. ${error.detail}`, "danger");
  }
}

api.keyAskedBy(askForKey);
for (const route of ROUTES) {
  if (route.title) tabs.append(h("a", { class: "tab", href: `#/${route.path}`, dataset: { path: route.path } }, route.title));
}
addEventListener("hashchange", () => {
  void show();
  root.focus({ preventScroll: true });
});
void show();
void offerKey();
