// @ts-check
/** What can be done with a call: hang up, take it along, forget it. */

import { ask, key, Problem } from "../api.js";
import { button, confirm } from "../components.js";
import { h, icon } from "../dom.js";

/** @typedef {import("../app.js").Context} Context */

/** The buttons that a call has in this state. @param {any} record @param {Context} context @param {() => void} changed @returns {HTMLElement[]} */
export function actions(record, context, changed) {
  const path = `/v1/calls/${encodeURIComponent(record.id)}`;
  const doing = (/** @type {() => Promise<void>} */ act) => async () => {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      context.notice(`${error.title}. ${error.detail}`, "danger");
    }
  };
  const hangUp = doing(async () => {
    const sure = await confirm({ title: "Hang up?", text: "The call ends at once, without a goodbye.", yes: "Hang up" });
    if (!sure) return;
    await ask(`${path}/hangup`, { method: "POST" });
    context.notice("The call is being ended.");
    changed();
  });
  const forget = doing(async () => {
    const sure = await confirm({ title: "Delete this call?", text: "Its record, its events and its recording are deleted, for good.", yes: "Delete" });
    if (!sure) return;
    await ask(path, { method: "DELETE" });
    context.notice("The call is deleted.");
    context.go("calls");
  });
  if (record.state !== "ended") return [exported(path, record.id, doing), button({ label: "Hang up", icon: "end", kind: "danger", onclick: hangUp })];
  return [exported(path, record.id, doing), button({ label: "Delete", icon: "trash", onclick: forget })];
}

/** A link, where no key is shown; else it is fetched. @param {string} path @param {string} id @param {(act: () => Promise<void>) => () => Promise<void>} doing */
function exported(path, id, doing) {
  if (!key()) return h("a", { class: "button", href: `${path}/export`, download: `${id}.call.zip` }, icon("download"), "Export");
  const save = doing(async () => {
    const response = await ask(`${path}/export`);
    const href = URL.createObjectURL(await response.blob());
    h("a", { href, download: `${id}.call.zip` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  });
  return button({ label: "Export", icon: "download", onclick: save });
}
