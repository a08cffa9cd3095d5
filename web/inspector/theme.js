// @ts-check
/** The page's colours, for who draws. */

const NAMES = /** @type {const} */ (["text", "muted", "line", "surface", "inset", "caller", "agent", "accent", "danger", "warn"]);
const PARTS = ["waited", "words", "think", "voice", "wire"];

/** The tokens as they are now. @returns {import("./tracks.js").Theme} */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const token = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const colours = Object.fromEntries(NAMES.map((name) => [name, token(name)]));
  const parts = Object.fromEntries(PARTS.map((name) => [name, token(`part-${name}`)]));
  return /** @type {any} */ ({ ...colours, parts, font: getComputedStyle(document.body).fontFamily });
}

/** Be told when they change. @param {() => void} changed @param {AbortSignal} signal */
export function whenThemeChanges(changed, signal) {
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", changed, { signal });
}
