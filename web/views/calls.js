// @ts-check
/** The view Calls: who is talking now, and who was. */

import { json, Problem } from "../api.js";
import { listen } from "../calls/feed.js";
import { CallTable } from "../calls/table.js";
import { banner, button, emptyState, field, select, setOptions } from "../components.js";
import { fill, h } from "../dom.js";

const PAGE = 25;
const MOST_LIVE = 100;
const REFRESH_MS = 1500;
const SLOW_REFRESH_MS = 15_000;
const STATES = [{ value: "", label: "All calls" }, { value: "live", label: "Live now" }, { value: "ended", label: "Ended" }];

class CallsView {
  /** @param {HTMLElement} root @param {import("../app.js").Context} context */
  constructor(root, context) {
    this.context = context;
    this.over = new AbortController();
    this.table = new CallTable();
    /** @type {string | null} */
    this.cursor = null;
    this.pages = 1;
    this.listening = false;
    this.timer = 0;
    /** When the server is asked again because something has happened; 0: nothing has. */
    this.due = 0;
    this.asked = 0;
    this.names = new Set();
    this.#build(root);
    const { signal } = this.over;
    void listen(signal, { onevent: (event) => this.#event(event), onstate: (listening) => this.#hears(listening) });
    addEventListener("keychange", () => void this.#refresh(), { signal });
    const ticks = setInterval(() => this.table.tick(), 1000);
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
    this.problem = h("div");
    this.more = button({ label: "Show more", onclick: () => void this.#showMore() });
    this.more.hidden = true;
    this.empty = h("div", { hidden: true });
    root.append(
      h("div", { class: "view-head" }, h("div", null, h("h1", null, "Calls"), this.count),
        h("div", { class: "row calls-filters" }, field("State", this.state), field("Dialplan", this.dialplan))),
      this.problem,
      h("section", { class: "card flush", "aria-label": "Calls" }, this.table.element, this.empty),
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
    this.due = 0;
    const turn = ++this.asked;
    const { signal } = this.over;
    try {
      const state = this.state.value;
      const [live, found] = await Promise.all([
        state === "ended" ? { calls: [] } : json(this.#path({ state: "live", limit: String(MOST_LIVE) }), { signal }),
        state === "live" ? { calls: [] } : json(this.#path({ state, limit: String(PAGE * this.pages) }), { signal }),
      ]);
      if (turn !== this.asked) return;
      this.table.take(live.calls, found.calls);
      for (const { dialplan } of [...live.calls, ...found.calls]) this.#name(dialplan);
      this.cursor = found.cursor ?? null;
      fill(this.problem);
    } catch (error) {
      if (signal.aborted || turn !== this.asked) return;
      if (!(error instanceof Problem)) throw error;
      this.#refused(error);
    }
    this.#draw();
    if (!this.due) this.timer = setTimeout(() => void this.#refresh(), SLOW_REFRESH_MS);
  }

  async #showMore() {
    if (!this.cursor) return;
    this.more.disabled = true;
    try {
      const { last } = this.table;
      const found = await json(this.#path({ state: this.state.value, limit: String(PAGE), cursor: this.cursor }), { signal: this.over.signal });
      this.asked += 1; // what is under way knows of fewer
      this.pages = Math.min(this.pages + 1, 500 / PAGE);
      this.table.add(found.calls);
      this.cursor = found.cursor ?? null;
      this.#draw();
      this.table.focusAfter(last);
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
    this.table.said(event);
    const soon = event.type === "call_started" || event.type === "call_ended" ? 150 : REFRESH_MS;
    const at = performance.now() + soon;
    if (this.due && this.due <= at) return;
    this.due = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#refresh(), soon);
  }

  /** @param {boolean} listening */
  #hears(listening) {
    if (listening && !this.listening) void this.#refresh(); // what happened meanwhile
    this.listening = listening;
    this.#tell();
  }

  #draw() {
    this.table.draw();
    this.more.hidden = !this.cursor;
    this.empty.hidden = !this.table.empty || this.problem.childElementCount > 0;
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
    const live = this.table.live.filter((call) => call.state === "live").length;
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

/** @type {import("../routes.js").View["mount"]} */
export function mount(root, context) {
  const view = new CallsView(root, context);
  return () => view.unmount();
}
