// @ts-check
/** A call as a row of the list. */

import { badge } from "../components.js";
import { h } from "../dom.js";
import { clock, endOfCall, isTrouble, party, wait, when, wholeTime } from "./words.js";

/**
 * A call's record, without what grows with it.
 *
 * @typedef {{id: string, state: "ringing" | "live" | "ended", caller: string, called: string, dialplan: string, transport: string,
 *   started_at: string, duration_s: number, ended_reason: string | null, error: string | null, turn_count?: number,
 *   answer_ms?: number | null, recording: {seconds: number, complete: boolean, problem: string} | null}} Summary
 */

export const COLUMNS = ["Call", "Dialplan", "Length", "Turns", "Answer", "State"];

/**
 * @param {Summary} call
 * @param {{seconds: number, words?: string}} now how long it is by now, and the words said last
 * @returns {HTMLElement}
 */
export function row(call, { seconds, words }) {
  const href = `#/calls/${call.id}`;
  const open = (/** @type {MouseEvent} */ event) => {
    if (event.target instanceof Element && !event.target.closest("a")) location.hash = href;
  };
  return h("tr", { class: "link", dataset: { call: call.id }, onclick: open },
    h("td", { class: "call-who" },
      h("a", { href, class: "call-link" }, h("span", { class: "call-caller" }, party(call)),
        call.called && h("span", { class: "muted call-wide" }, ` → ${call.called}`)),
      h("div", { class: "small muted call-when" }, h("time", { dateTime: call.started_at, title: wholeTime(call.started_at) }, when(call.started_at)),
        h("span", { class: "call-wide" }, ` · ${call.transport}`), h("span", { class: "call-narrow" }, ` · ${call.dialplan}`)),
      words && h("p", { class: "small muted call-words" }, words)),
    h("td", { class: "call-wide" }, call.dialplan),
    h("td", { class: "end number call-length" }, call.state === "ringing" ? "–" : clock(seconds)),
    h("td", { class: "end number call-wide" }, call.turn_count ?? "–"),
    h("td", { class: "end number call-wide" }, wait(call.answer_ms)),
    h("td", { class: "call-end" }, stateBadge(call)));
}

/** @param {Summary} call */
export function stateBadge(call) {
  if (call.state === "live") return badge("Live", "ok live");
  if (call.state === "ringing") return badge("Ringing", "accent live");
  return badge(endOfCall(call.ended_reason) || "Ended", isTrouble(call.ended_reason) ? "danger" : "");
}
