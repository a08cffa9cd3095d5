// @ts-check
/**
 * What a call's events come to: lines of a conversation. Pure; `receive` tells which line is new or other than before.
 *
 * @typedef {{id: number, who: "caller", turn: number | null, text: string, stable: number, final: boolean, reason: string,
 *   receipt: Receipt | null}} CallerLine `stable`: characters that no longer change
 * @typedef {{id: number, who: "agent", utterance: string | null, turn: number | null, text: string, heard: number, over: boolean,
 *   complete: boolean, held: boolean}} AgentLine `heard`: characters of it; `held`: silent, since the caller speaks too
 * @typedef {{id: number, who: "aside", text: string, tone: "" | "danger", digits: boolean}} Aside
 * @typedef {CallerLine | AgentLine | Aside} Line
 * @typedef {{waited: number, words: number, think: number, voice: number, wire: number, speculated: boolean}} Receipt milliseconds
 */

const MAX_LINES = 400;
const MAX_TEXT = 10_000;

export class Conversation {
  constructor() {
    /** @type {Line[]} */
    this.lines = [];
    /** The caller is speaking, or is thought to. */
    this.callerSpeaks = false;
    this.ids = 0;
  }

  /**
   * Take note of what happened.
   *
   * @param {any} event one `CallEvent`; of others nothing comes
   * @returns {Line | null} the line that is new or changed
   */
  receive(event) {
    const handler = HANDLERS[String(event.type)];
    return handler ? handler(this, event) : null;
  }

  /** A line that is none of the two voices'. @param {string} text @param {"" | "danger"} [tone] @param {boolean} [digits] */
  aside(text, tone = "", digits = false) {
    return this.add({ who: "aside", text: cut(text), tone, digits });
  }

  /** The wire is gone: nothing that is open goes on. @returns {Line[]} what changed */
  close() {
    this.callerSpeaks = false;
    const open = this.lines.filter((line) => (line.who === "caller" && !line.final) || (line.who === "agent" && !line.over));
    for (const line of open) {
      if (line.who === "caller") line.final = true;
      if (line.who === "agent") Object.assign(line, { over: true, held: false, complete: line.heard >= line.text.length });
    }
    return open;
  }

  /** @param {any} line @returns {any} */
  add(line) {
    this.ids += 1;
    line.id = this.ids;
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
    return line;
  }

  /** The last line of which this is so. @param {(line: any) => boolean} test @returns {any} */
  last(test) {
    return this.lines.findLast(test);
  }
}

/** @param {unknown} text */
function cut(text) {
  return String(text ?? "").slice(0, MAX_TEXT);
}

/** @param {Conversation} talk @param {any} event */
function callerTurn(talk, event) {
  return talk.last((line) => line.who === "caller" && !line.final) ?? talk.add(freshTurn(event));
}

/** @param {Conversation} talk @param {any} event */
function agentLine(talk, event) {
  const known = talk.last((line) => line.who === "agent" && line.utterance === event.utterance && !line.over);
  const fresh = {
    who: "agent", utterance: event.utterance ?? null, turn: event.turn ?? null, text: "", heard: 0, over: false, complete: true,
    held: false,
  };
  return known ?? talk.add(fresh);
}

/** @type {Record<string, (talk: Conversation, event: any) => Line | null>} */
const HANDLERS = {
  caller_speaking(talk, { speaking }) {
    talk.callerSpeaks = Boolean(speaking);
    return null;
  },
  caller_partial(talk, event) {
    if (!event.text && !talk.last((line) => line.who === "caller" && !line.final)) return null;
    return Object.assign(callerTurn(talk, event), { turn: event.turn ?? null, text: cut(event.text), stable: Number(event.stable) || 0 });
  },
  caller_said(talk, event) {
    const typed = event.reason === "typed";
    const line = typed ? talk.add(freshTurn(event)) : callerTurn(talk, event);
    const text = cut(event.text);
    return Object.assign(line, { turn: event.turn ?? null, text, stable: text.length, final: true, reason: String(event.reason ?? "") });
  },
  agent_speaking(talk, event) {
    return Object.assign(agentLine(talk, event), { text: cut(event.text), turn: event.turn ?? null });
  },
  agent_word(talk, event) {
    const line = talk.last((each) => each.who === "agent" && each.utterance === event.utterance && !each.over);
    return line ? Object.assign(line, { heard: Number(event.heard) || 0 }) : null;
  },
  agent_said(talk, event) {
    const text = cut(event.text);
    const heard = cut(event.heard);
    const open = talk.lines.filter((line) => line.who === "agent" && !line.over);
    const same = open.find((line) => line.text === text) ?? open.find((line) => line.text && text.startsWith(line.text)) ?? open[0];
    const line = same ?? agentLine(talk, { turn: event.turn });
    return Object.assign(line, {
      text, heard: text.startsWith(heard) ? heard.length : line.heard, over: true, complete: event.complete !== false && heard === text,
      held: false,
    });
  },
  floor(talk, { move }) {
    const line = talk.last((each) => each.who === "agent" && !each.over);
    return line ? Object.assign(line, { held: move === "pause" }) : null;
  },
  answered(talk, { turn, receipt }) {
    const line = talk.last((each) => each.who === "caller" && each.turn === turn);
    return line ? Object.assign(line, { receipt }) : null;
  },
  digit(talk, { digit }) {
    const last = talk.lines.at(-1);
    if (last?.who === "aside" && last.digits) return Object.assign(last, { text: cut(`${last.text} ${digit}`) });
    return talk.aside(`Key ${digit}`, "", true);
  },
  transfer_began: (talk, { to }) => talk.aside(`Connecting you to ${to}`),
  transfer_ended: (talk, { ok, to, reason }) => talk.aside(ok ? `You were connected to ${to}` : `${to} could not be reached: ${plain(reason)}`),
  tool: (talk, { tool, ok, ms, reason }) => talk.aside(ok ? `Tool ${tool}, ${ms} ms` : `Tool ${tool} failed: ${plain(reason)}`, ok ? "" : "danger"),
  webhook: (talk, { ok, ms, reason }) => talk.aside(ok ? `Webhook answered in ${ms} ms` : `Webhook failed: ${plain(reason)}`, ok ? "" : "danger"),
  played: (talk, { seconds }) => talk.aside(`Played ${Number(seconds).toFixed(1)} s of sound`),
  slot: (talk, event) => (event.filled ? talk.aside(event.secret ? `Understood: ${event.name}` : `Understood ${event.name}: ${event.value}`) : null),
  recording: (talk, { on }) => talk.aside(on ? "This call is recorded" : "Recording is off"),
  message: (talk, { seconds }) => talk.aside(`Message of ${Number(seconds).toFixed(0)} s kept`),
  fault: (talk, { message }) => talk.aside(String(message), "danger"),
};

/** @param {any} event */
function freshTurn(event) {
  return { who: "caller", turn: event.turn ?? null, text: "", stable: 0, final: false, reason: "", receipt: null };
}

/** @param {unknown} reason */
function plain(reason) {
  return String(reason || "no reason given").replaceAll("_", " ");
}
