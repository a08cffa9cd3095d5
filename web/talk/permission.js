// @ts-check
/** Whether this page may call, before anything rings. */

import { requireKey } from "../api.js";

/**
 * What the server says of itself to who may call. Where it wants a key that is not known, the visitor is asked for it.
 *
 * @param {() => Promise<import("../app.js").Page>} ask
 * @returns {Promise<import("../app.js").Page>}
 * @throws {import("../api.js").Problem} they do not give it
 */
export async function permitted(ask) {
  for (;;) {
    const page = await ask();
    if (page.may_call || !page.auth) return page;
    await requireKey();
  }
}
