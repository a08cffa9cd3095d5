// @ts-check
/** Messages of the server's, on either wire. */

/**
 * Take one in; what is no JSON object is passed over.
 *
 * @param {unknown} data
 * @param {(event: any) => void} onevent
 */
export function receive(data, onevent) {
  let event;
  try {
    event = JSON.parse(String(data));
  } catch {
    return;
  }
  if (event !== null && typeof event === "object") onevent(event);
}

/**
 * A function that works once, and then gives what it gave before.
 *
 * @template T
 * @param {() => T} work
 * @returns {() => T}
 */
export function once(work) {
  /** @type {{gave: T} | null} */
  let done = null;
  return () => (done ??= { gave: work() }).gave;
}
