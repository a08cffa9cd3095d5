// @ts-check
/** What is known of a call, in a few figures and notes. */

import { banner } from "../components.js";
import { h } from "../dom.js";
import { clock, endOfCall, wait, wholeTime } from "../calls/words.js";

const PROBLEMS = { disk: "the disk failed", backlog: "the disk was too slow", limit: "it was longer than recordings may be", late: "some of it came too late", crash: "the server died" };

/** The figures. @param {any} record @returns {HTMLElement} */
export function facts(record) {
  const figures = [
    ["Began", wholeTime(record.started_at)],
    ["Length", clock(record.duration_s)],
    ["Turns", String(record.turn_count ?? record.turns.length)],
    ["Answer, median", wait(record.answer_ms)],
    ["Dialplan", record.dialplan],
    ["Came by", record.transport],
    record.state === "ended" && ["End", endOfCall(record.ended_reason)],
    record.gaps > 0 && ["Gaps in our sound", String(record.gaps)],
  ].filter(Boolean);
  return h("dl", { class: "facts" }, figures.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", { class: "number" }, value || "–"))));
}

/** What the dialplan kept of it. @param {any} record @returns {HTMLElement | null} */
export function notes(record) {
  const kept = Object.entries(record.notes);
  if (kept.length === 0) return null;
  return h("dl", { class: "facts notes" }, kept.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value === null ? "–" : String(value)))));
}

/** What somebody should know who reads this. @param {any} record @param {import("./items.js").Timeline} timeline @returns {HTMLElement[]} */
export function warnings(record, timeline) {
  const found = [];
  if (record.error) found.push(banner({ tone: "danger", title: "This call met a fault", detail: record.error }));
  if (record.state === "ended" && !record.ledger.balances) found.push(banner({ tone: "warn", title: "The books of this call do not balance", detail: "Some of the caller's sound is accounted for nowhere." }));
  if (record.state === "ended" && record.recording && !record.recording.complete) {
    found.push(banner({ tone: "warn", title: "The recording is incomplete", detail: `Something is missing: ${PROBLEMS[record.recording.problem] ?? record.recording.problem}.` }));
  }
  if (!timeline.recorded) found.push(banner({ title: "No recording is kept of this call", detail: "What happened is drawn from its events: there is nothing to hear, and where speech began is not known." }));
  if (timeline.cut) found.push(banner({ tone: "warn", title: "Not all of it is drawn", detail: "This call has more than the inspector shows. The export has everything." }));
  else if (timeline.skipped > 0) found.push(banner({ tone: "warn", title: `${timeline.skipped} lines could not be read`, detail: "They were left out." }));
  return found;
}
