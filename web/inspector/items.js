// @ts-check
/**
 * A time line as what can be drawn and pointed at, and as the lines of a transcript. Pure.
 *
 * @typedef {{waited: number, words: number, think: number, voice: number, wire: number, speculated: boolean}} Receipt milliseconds
 * @typedef {{at: number, text: string, stable: number, start: number, end: number, probability: number | null}} Words
 * @typedef {{turn: number, start: number | null, end: number | null, decided: number | null, at: number | null, reason: string,
 *   text: string, partials: Words[], eager: Words[], finals: Words[], receipt: Receipt | null}} Turn
 * @typedef {{start: number | null, end: number | null, text: string, heard: string, complete: boolean, turn: number | null,
 *   barge_in: string}} Utterance
 * @typedef {{call: string, live: boolean, seconds: number, recorded: boolean, speech: {turn: number, start: number, end: number | null}[],
 *   turns: Turn[], utterances: Utterance[], floor: {at: number, move: string}[], digits: {at: number, digit: string}[],
 *   happenings: {at: number, type: string, name: string, ok: boolean, detail: string, ms: number | null}[], skipped: number,
 *   cut: boolean}} Timeline
 *
 * Something on a track. `lines`: what is told of it; `tone`: a colour; `x`: where its mark is drawn.
 * @typedef {{track: "speech" | "caller" | "agent" | "floor" | "events" | "receipts", from: number, to: number, title: string, lines: string[],
 *   text?: string, unheard?: string, mark?: string, x?: number, tone?: "" | "warn" | "danger", receipt?: Receipt, partials?: number[],
 *   eager?: number[]}} Item
 *
 * A line of the transcript.
 * @typedef {{at: number, end: number, who: "caller" | "agent" | "event", text: string, unheard: string, reason: string,
 *   receipt: Receipt | null, tone: "" | "warn" | "danger", note: string}} Entry
 */

import { clock, happening } from "../calls/words.js";
import { PARTS } from "../talk/receipt.js";
import { endOfTurn } from "../talk/words.js";

const MOVES = {
  pause: ["Caller spoke into our words: we paused", "‖"],
  clear: ["Still speaking: what the far end had was cleared", "‖"],
  resume: ["No words: we went on", "▸"],
  yield: ["Words: we gave up the floor", "✕"],
};

/** What of ours was not heard. @param {Utterance} utterance */
function unheardOf({ text, heard }) {
  return text.startsWith(heard) ? text.slice(heard.length) : "";
}

/** @param {number} from @param {number} to */
function spanOf(from, to) {
  return to > from ? `${clock(from, 1)} – ${clock(to, 1)}` : `at ${clock(from, 1)}`;
}

/** @param {Receipt} receipt */
export function totalOf(receipt) {
  return PARTS.reduce((sum, [name]) => sum + Math.max(0, Number(receipt[name]) || 0), 0);
}

/** @param {Turn} turn */
function why(turn) {
  if (turn.reason === "aside") return "Said in passing: no turn";
  return turn.reason ? `Over because ${endOfTurn(turn.reason)}` : "Not over yet";
}

/** @param {Turn} turn @param {number} end @returns {Item[]} */
function turnItems(turn, end) {
  const to = turn.end ?? turn.at ?? end;
  const from = Math.min(turn.start ?? to, to);
  const last = turn.partials.at(-1)?.text ?? turn.eager.at(-1)?.text ?? "";
  const text = turn.text || turn.finals.map((words) => words.text).join(" ") || last;
  const known = turn.partials.map((words) => `${clock(words.at, 1)}  ${words.text}`).slice(-4);
  const items = [/** @type {Item} */ ({
    track: "caller", from, to, text, title: text ? `Caller: ${text}` : "A noise without words",
    lines: [spanOf(from, to), ...known, why(turn), turn.at !== null && turn.end !== null ? `Known ${Math.max(0, Math.round(1000 * (turn.at - turn.end)))} ms after its end` : ""],
    partials: turn.partials.map((words) => words.at), eager: turn.eager.map((words) => words.end),
  })];
  if (turn.receipt) {
    const total = totalOf(turn.receipt);
    const begin = turn.end ?? turn.at ?? to;
    items.push({
      track: "receipts", from: begin, to: begin + total / 1000, title: `Answered in ${total} ms`, receipt: turn.receipt,
      lines: [...PARTS.map(([name, label]) => `${label}: ${Math.max(0, Number(turn.receipt?.[name]) || 0)} ms`), why(turn),
        turn.receipt.speculated ? "The answer was begun before the turn was over" : ""],
    });
  }
  return items;
}

/** @param {Utterance} each @param {number} end @returns {Item} */
function utteranceItem(each, end) {
  const to = each.end ?? end;
  const from = Math.min(each.start ?? to, to);
  const unheard = unheardOf(each);
  const spoken = each.text ? `Agent: ${each.text}` : each.end === null ? "Agent speaks" : "A tone or a recording";
  const fate = each.complete ? "Heard to its end" : each.end === null ? "Sounds now" : each.text ? `Cut off: ${each.heard ? `heard “${each.heard}”` : "nothing was heard"}` : "";
  const policy = each.barge_in === "off" ? "The caller may not interrupt" : "";
  return { track: "agent", from, to, text: each.heard || (each.end === null ? each.text : ""), unheard, title: spoken, lines: [spanOf(from, to), fate, policy] };
}

/** All that is on the tracks, in order. @param {Timeline} timeline @returns {Item[]} */
export function itemsOf(timeline) {
  const end = timeline.seconds;
  /** @type {Item[]} */
  const items = [
    ...timeline.speech.map((span) => /** @type {Item} */ ({
      track: "speech", from: span.start, to: span.end ?? end, title: "Speech", lines: [spanOf(span.start, span.end ?? end), `Turn ${span.turn}`],
    })),
    ...timeline.turns.flatMap((turn) => turnItems(turn, end)),
    ...timeline.utterances.map((each) => utteranceItem(each, end)),
    ...timeline.floor.map(({ at, move }) => /** @type {Item} */ ({
      track: "floor", from: at, to: at, title: MOVES[move]?.[0] ?? move, mark: MOVES[move]?.[1] ?? "•", lines: [spanOf(at, at)],
    })),
    ...timeline.digits.map(({ at, digit }) => /** @type {Item} */ ({ track: "floor", from: at, to: at, title: `Key ${digit}`, mark: digit, lines: [spanOf(at, at)] })),
    ...timeline.happenings.map((each) => {
      const { title, detail, tone } = happening(each);
      const began = each.ms !== null && (each.type === "tool" || each.type === "webhook") ? Math.max(0, each.at - each.ms / 1000) : each.at;
      return /** @type {Item} */ ({ track: "events", from: began, to: each.at, title, mark: MARKS[each.type] ?? "•", tone, lines: [spanOf(began, each.at), detail] });
    }),
  ];
  for (const item of items) item.lines = item.lines.filter(Boolean);
  return items.sort((one, other) => one.from - other.from);
}

/** @type {Record<string, string>} */
const MARKS = { slot: "S", tool: "T", webhook: "W", transfer_began: "→", transfer_ended: "→", recording: "R", fault: "!", note: "N", message: "M", played: "♪" };

/** The transcript, in order. @param {Timeline} timeline @returns {Entry[]} */
export function entriesOf(timeline) {
  const end = timeline.seconds;
  /** @type {Entry[]} */
  const entries = [];
  const blank = { unheard: "", reason: "", receipt: null, tone: /** @type {""} */ (""), note: "" };
  for (const turn of timeline.turns) {
    const text = turn.text || turn.finals.map((words) => words.text).join(" ");
    if (!text && turn.at === null && turn.reason) continue; // a noise
    const to = turn.end ?? turn.at ?? end;
    entries.push({ ...blank, at: Math.min(turn.start ?? to, to), end: to, who: "caller", text: text || turn.partials.at(-1)?.text || "…", reason: turn.reason, receipt: turn.receipt });
  }
  for (const each of timeline.utterances) {
    if (!each.text && each.end !== null) continue;
    const to = each.end ?? end;
    entries.push({ ...blank, at: Math.min(each.start ?? to, to), end: to, who: "agent", text: each.text ? each.heard : "…", unheard: unheardOf(each), note: each.text && !each.complete ? "Cut off" : "" });
  }
  for (const { at, digits } of rowsOfKeys(timeline.digits)) entries.push({ ...blank, at, end: at, who: "event", text: `Keys ${digits}` });
  for (const each of timeline.happenings) {
    const { title, detail, tone } = happening(each);
    entries.push({ ...blank, at: each.at, end: each.at, who: "event", text: detail ? `${title} · ${detail}` : title, tone });
  }
  return entries.sort((one, other) => one.at - other.at);
}

/** Keys pressed one after the other. @param {Timeline["digits"]} digits */
function rowsOfKeys(digits) {
  /** @type {{at: number, until: number, digits: string}[]} */
  const rows = [];
  for (const { at, digit } of digits) {
    const last = rows.at(-1);
    if (last && at - last.until < 3) Object.assign(last, { until: at, digits: last.digits + digit });
    else rows.push({ at, until: at, digits: digit });
  }
  return rows;
}
