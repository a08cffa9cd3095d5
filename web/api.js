// @ts-check
/** The server, asked over HTTP: with the key where one is known; what it refuses is an error with a code and words. */

const KEY = "media-server.key";

/** A refusal of the server's (problem+json), or that nobody answers (`code` is "unreachable", `status` 0). */
export class Problem extends Error {
  /**
   * @param {{status?: number, code?: string, title?: string, detail?: string, retryable?: boolean, retryAfter?: number}} said
   *   `retryAfter`: seconds
   */
  constructor({ status = 0, code = "http", title = "That did not work", detail = "", retryable = false, retryAfter }) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.retryable = retryable;
    this.retryAfter = retryAfter;
  }
}

/** @type {(wrong: boolean) => Promise<string | null>} */
let askForKey = async () => null;

/**
 * Who asks for the key when the server wants one: a function that resolves to it, or to null when nobody gives it.
 *
 * @param {(wrong: boolean) => Promise<string | null>} ask `wrong`: the last one was not right
 */
export function keyAskedBy(ask) {
  askForKey = ask;
}

/** The key of this tab, or null. It is forgotten when the tab closes. */
export function key() {
  return sessionStorage.getItem(KEY);
}

/** @param {string | null} value */
export function setKey(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
  dispatchEvent(new Event("keychange"));
}

/** The headers that show the key. @returns {Record<string, string>} */
export function authorization() {
  const known = key();
  return known ? { Authorization: `Bearer ${known}` } : {};
}

/** @type {Promise<string | null> | null} */
let asking = null;

/**
 * Ask the visitor for the key; once, however many want to know.
 *
 * @returns {Promise<void>}
 * @throws {Problem} they do not give one
 */
export async function requireKey() {
  asking ??= askForKey(key() !== null).finally(() => (asking = null));
  if (!(await asking)) throw new Problem({ status: 401, code: "unauthorized", title: "This server wants a key", detail: "Without it, nothing is answered." });
}

/**
 * Ask the server. Where it wants a key, the visitor is asked for it, and then the server again; a body that can be sent
 * only once (a stream) must not be used here.
 *
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} an answer below 400
 * @throws {Problem}
 */
export async function ask(path, init = {}) {
  for (;;) {
    const shown = key();
    const response = await answerTo(path, init);
    if (response.ok) return response;
    if (response.status !== 401) throw await problemOf(response);
    if (key() === shown) await requireKey();
  }
}

/** @param {string} path @param {RequestInit} init */
async function answerTo(path, init) {
  try {
    return await fetch(path, { cache: "no-store", ...init, headers: { ...authorization(), ...init.headers } });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem({
      code: "unreachable",
      title: "The server does not answer",
      detail: "Is it running, and is this machine online?",
      retryable: true,
    });
  }
}

/**
 * What a refusal says.
 *
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const after = Number(response.headers.get("Retry-After"));
  const known = { status: response.status, title: response.statusText || undefined, retryAfter: after > 0 ? after : undefined };
  try {
    const { code, title, detail, retryable } = await response.json();
    return new Problem({ ...known, code, title, detail, retryable });
  } catch {
    return new Problem(known);
  }
}

/**
 * Ask for JSON.
 *
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 * @throws {Problem}
 */
export async function json(path, init) {
  const response = await ask(path, init);
  return await response.json();
}

/**
 * The address of a WebSocket of the server's. Browsers cannot show a key there, so a ticket is taken for it.
 *
 * @param {string} path
 * @param {Record<string, string>} [query]
 * @returns {Promise<string>}
 * @throws {Problem}
 */
export async function socketUrl(path, query = {}) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  if (key()) {
    const { ticket } = await json("/v1/tickets", { method: "POST" });
    url.searchParams.set("ticket", ticket);
  }
  return url.href;
}
