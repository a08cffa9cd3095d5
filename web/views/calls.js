// @ts-check
/** The view Calls: who is talking now, and who was. */

import { json, Problem } from "../api.js";
import { listen } from "../calls/feed.js";
import { COLUMNS, row } from "../calls/rows.js";
import { banner, button, emptyState, field, select, setOptions } from "../components.js";
import { fill, h } from "../dom.js";

/** @typedef {import("../calls/rows.js").Summary} Summary */

const PAGE = 25;
const MOST_LIVE = 100;
const REFRESH_MS = 1500;
const SLOW_REFRESH_MS = 15_000;
const MAX_WORDS = 140;
const STATES = [{ value: "", label: "All calls" }, { value: "live", label: "Live now" }, { value: "ended", label: "Ended" }];

class CallsView {
  /** @param {HTMLElement} root @param {import("../app.js").Context} context */
  constructor(root, context) {
    this.context = context;
    this.over = new AbortController();
    /** @type {Summary[]} */
    this.live = [];
    /** @type {Summary[]} */
    this.ended = [];
    /** @type {string | null} */
    this.cursor = null;
    /** @type {Map<string, string>} what was said last on a live call */
    this.words = new Map();
    this.fetchedAt = performance.now();
    this.pages = 1;
    this.listening = false;
    this.timer = 0;
    this.asked = 0;
    this.names = new Set();
    this.#build(root);
    const { signal } = this.over;
    void listen(signal, { onevent: (event) => this.#event(event), onstate: (listening) => this.#hears(listening) });
    addEventListener("keychange", () => void this.#refresh(), { signal });
    const ticks = setInterval(() => this.#tick(), 1000);
    signal.addEventListener("abort", () => (clearInterval(ticks), clearTimeout(this.timer)));
    void this.#dialplans();
    void this.#refresh();
  }

  /** @param {HTMLElement} root */
  #build(root) {
    const again = () => {
      this.pages = 1;
      void this.#refresh();
    };
    this.state = select(STATES, { onchange: again });
    this.dialplan = select([{ value: "", label: "All dialplans" }], { onchange: again });
    this.count = h("p", { class: "muted", role: "status" }, "Loading");
    this.body = h("tbody");
    this.problem = h("div");
    this.more = button({ label: "Show more", onclick: () => void this.#showMore() });
    this.more.hidden = true;
    this.empty = h("div", { hidden: true });
    this.table = h("table", { class: "table calls" },
      h("caption", { class: "unseen" }, "Calls, the newest first"),
      h("thead", null, h("tr", null, COLUMNS.map((name, index) => h("th", { scope: "col", class: CLASSES[index] }, name)))),
      this.body);
    root.append(
      h("div", { class: "view-head" }, h("div", null, h("h1", null, "Calls"), this.count),
        h("div", { class: "row calls-filters" }, field("State", this.state), field("Dialplan", this.dialplan))),
      this.problem,
      h("section", { class: "card flush", "aria-label": "Calls" }, this.table, this.empty),
      h("div", { class: "calls-more" }, this.more));
  }

  unmount() {
    this.over.abort();
  }

  /** @param {Record<string, string>} query */
  #path(query) {
    const wanted = { dialplan: this.dialplan.value, ...query };
    const search = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ""));
    return `/v1/calls?${search}`;
  }

  async #refresh() {
    clearTimeout(this.timer);
    const turn = ++this.asked;
    const { signal } = this.over;
    try {
      const state = this.state.value;
      const [live, found] = await Promise.all([
        state === "ended" ? { calls: [] } : json(this.#path({ state: "live", limit: String(MOST_LIVE) }), { signal }),
        state === "live" ? { calls: [] } : json(this.#path({ state, limit: String(PAGE * this.pages) }), { signal }),
      ]);
      if (turn !== this.asked) return;
      this.#take(live.calls, found.calls);
      this.cursor = found.cursor ?? null;
      fill(this.problem);
    } catch (error) {
      if (signal.aborted || turn !== this.asked) return;
      if (!(error instanceof Problem)) throw error;
      this.#refused(error);
    }
    this.#draw();
    this.timer = setTimeout(() => void this.#refresh(), SLOW_REFRESH_MS);
  }

  /** @param {Summary[]} live @param {Summary[]} found */
  #take(live, found) {
    const going = found.filter((call) => call.state !== "ended" && !live.some((each) => each.id === call.id));
    this.live = [...going, ...live].sort((one, other) => (one.started_at < other.started_at ? 1 : -1));
    this.ended = found.filter((call) => call.state === "ended");
    this.fetchedAt = performance.now();
    for (const call of [...this.live, ...this.ended]) this.#name(call.dialplan);
    const ids = new Set(this.live.map((call) => call.id));
    for (const id of this.words.keys()) if (!ids.has(id)) this.words.delete(id);
  }

  async #showMore() {
    if (!this.cursor) return;
    this.more.disabled = true;
    try {
      const last = this.body.lastElementChild;
      const found = await json(this.#path({ state: this.state.value, limit: String(PAGE), cursor: this.cursor }), { signal: this.over.signal });
      this.asked += 1; // what is under way knows of fewer
      this.pages = Math.min(this.pages + 1, 500 / PAGE);
      const known = new Set(this.ended.map((call) => call.id));
      this.ended.push(...found.calls.filter((/** @type {Summary} */ call) => call.state === "ended" && !known.has(call.id)));
      this.cursor = found.cursor ?? null;
      this.#draw();
      const next = last && this.body.querySelector(`[data-call="${CSS.escape(last.getAttribute("data-call") ?? "")}"]`)?.nextElementSibling;
      next?.querySelector("a")?.focus();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.context.notice(`${error.title}. ${error.detail}`, "danger");
    } finally {
      this.more.disabled = false;
    }
  }

  /** @param {Problem} problem */
  #refused(problem) {
    const again = button({ label: "Try again", icon: "retry", small: true, onclick: () => void this.#refresh() });
    fill(this.problem, banner({ tone: "danger", title: problem.title, detail: problem.detail, actions: [again] }));
  }

  /** @param {any} event */
  #event(event) {
    const text = event.type === "caller_said" ? event.text : event.type === "agent_said" ? event.heard : "";
    if (text) this.words.set(String(event.call), `${event.type === "caller_said" ? "Caller" : "Agent"}: ${String(text).slice(0, MAX_WORDS)}`);
    if (event.type === "call_ended") this.words.delete(String(event.call));
    const soon = event.type === "call_started" || event.type === "call_ended" ? 150 : REFRESH_MS;
    if (this.due && this.due < performance.now() + soon) return;
    this.due = performance.now() + soon;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.due = 0;
      void this.#refresh();
    }, soon);
  }

  /** @param {boolean} listening */
  #hears(listening) {
    if (listening && !this.listening) void this.#refresh(); // what happened meanwhile
    this.listening = listening;
    this.#tell();
  }

  #tick() {
    for (const call of this.live) {
      const cell = this.body.querySelector(`[data-call="${CSS.escape(call.id)}"] .call-length`);
      if (cell && call.state === "live") cell.replaceWith(row(call, this.#now(call)).children[2]);
    }
  }

  /** @param {Summary} call */
  #now(call) {
    const since = call.state === "live" ? (performance.now() - this.fetchedAt) / 1000 : 0;
    return { seconds: call.duration_s + since, words: call.state === "live" ? this.words.get(call.id) : undefined };
  }

  #draw() {
    const focused = document.activeElement?.closest("tr")?.getAttribute("data-call");
    const calls = [...this.live, ...this.ended];
    fill(this.body, calls.map((call) => row(call, this.#now(call))));
    if (focused && this.body.contains(document.activeElement) === false) {
      this.body.querySelector(`[data-call="${CSS.escape(focused)}"] a`)?.focus();
    }
    this.more.hidden = !this.cursor;
    this.table.hidden = calls.length === 0;
    this.empty.hidden = calls.length > 0 || this.problem.childElementCount > 0;
    if (!this.empty.hidden) fill(this.empty, this.#nothing());
    this.#tell();
  }

  #nothing() {
    if (this.state.value || this.dialplan.value) {
      return emptyState({ icon: "search", title: "No such calls", text: "No call fits what is chosen above." });
    }
    return emptyState({
      icon: "talk", title: "No calls yet", text: "Calls appear here while they are live, and stay when they have ended.",
      action: button({ label: "Talk to the agent", onclick: () => this.context.go("talk") }),
    });
  }

  #tell() {
    const live = this.live.filter((call) => call.state === "live").length;
    const text = `${live === 0 ? "None" : live} live${this.listening ? "" : " · not updated just now"}`;
    if (this.count.textContent !== text) this.count.textContent = text;
  }

  /** @param {string} name */
  #name(name) {
    if (!name || this.names.has(name)) return;
    this.names.add(name);
    const options = [...this.names].sort().map((each) => ({ value: each, label: each }));
    setOptions(this.dialplan, [{ value: "", label: "All dialplans" }, ...options], this.dialplan.value);
  }

  async #dialplans() {
    const page = await this.context.page().catch(() => null); // the shell tells of it
    for (const { name } of page?.dialplans ?? []) this.#name(name);
  }
}

const CLASSES = ["", "call-wide", "end", "end call-wide", "end call-wide", "call-end"];

/** @type {import("../routes.js").View["mount"]} */
export function mount(root, context) {
  const view = new CallsView(root, context);
  return () => view.unmount();
}
