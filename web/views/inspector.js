// @ts-check
/** The call inspector: one call on its time axis, to be seen, heard and read. */

import { stateBadge } from "../calls/rows.js";
import { clock, party } from "../calls/words.js";
import { banner, button, emptyState, select } from "../components.js";
import { fill, h, icon } from "../dom.js";
import { actions } from "../inspector/actions.js";
import { Chart } from "../inspector/chart.js";
import { CallData } from "../inspector/data.js";
import { facts, notes, warnings } from "../inspector/facts.js";
import { entriesOf, itemsOf } from "../inspector/items.js";
import { Player } from "../inspector/player.js";
import { TimedTranscript } from "../inspector/transcript.js";
import { PARTS } from "../talk/receipt.js";

const SIDES = [{ value: "both", label: "Both sides" }, { value: "caller", label: "Caller only" }, { value: "agent", label: "Agent only" }];

class InspectorView {
  /** @param {HTMLElement} root @param {import("../app.js").Context} context */
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.over = new AbortController();
    this.data = new CallData(context.argument, {
      onnews: (news) => this.#show(news), onproblem: (problem) => this.#refused(problem),
      ondetail: (peaks) => {
        if (!this.chart) return;
        this.chart.detail = peaks;
        this.chart.redraw();
      },
    }, this.over.signal);
    /** @type {Chart | null} */
    this.chart = null;
    /** @type {Player | null} */
    this.player = null;
    this.state = "";
    fill(root, h("div", { class: "row muted inspector-wait", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), "Loading the call"));
    addEventListener("keychange", () => void this.data.load(), { signal: this.over.signal });
    void this.data.load();
  }

  unmount() {
    this.over.abort();
    this.player?.close();
  }

  /** @param {{record: any, timeline: import("../inspector/items.js").Timeline, peaks: import("../inspector/tracks.js").Peaks | null}} news */
  #show({ record, timeline, peaks }) {
    const hearable = peaks !== null && peaks.caller.length > 0;
    if (!this.chart || this.hearable !== hearable) this.#build(hearable);
    const chart = /** @type {Chart} */ (this.chart);
    chart.peaks = peaks;
    chart.show(itemsOf(timeline), timeline.seconds);
    this.transcript?.show(entriesOf(timeline));
    this.player?.grown();
    this.#head(record, timeline);
    if (this.state === "live" && record.state === "ended") this.context.announce("The call has ended.");
    this.state = record.state;
    this.#time(chart.playhead);
  }

  /** @param {any} record @param {import("../inspector/items.js").Timeline} timeline */
  #head(record, timeline) {
    const print = JSON.stringify([record.state, record.recording, record.error, record.notes, timeline.recorded, timeline.cut, timeline.skipped]);
    fill(this.facts, facts(record), notes(record));
    if (print === this.print) return;
    this.print = print;
    fill(this.title, h("h1", null, party(record), record.called && h("span", { class: "muted" }, ` → ${record.called}`)), stateBadge(record));
    fill(this.actions, actions(record, this.context, () => void this.data.load()));
    fill(this.warnings, warnings(record, timeline));
  }

  /** @param {boolean} hearable */
  #build(hearable) {
    this.hearable = hearable;
    this.player?.close();
    this.player = null;
    const play = (/** @type {number} */ seconds) => this.#hear(seconds);
    const moved = () => this.chart && this.data.look(this.chart.axis, this.chart.peaks);
    const sought = (/** @type {number} */ seconds) => (this.player?.pause(), this.#time(seconds, true));
    this.chart = new Chart({ play, toggle: () => this.#toggle(), moved, sought }, this.over.signal);
    this.transcript = new TimedTranscript(play, hearable);
    this.title = h("div", { class: "row wrap inspector-title" });
    this.actions = h("div", { class: "row wrap" });
    this.warnings = h("div", { class: "stack tight inspector-warnings" });
    this.facts = h("div", { class: "inspector-facts" });
    this.print = "";
    this.playButton = button({ label: "Play", icon: "play", kind: "primary", onclick: () => this.#toggle() });
    this.clock = h("span", { class: "number muted inspector-clock" });
    const side = select(SIDES, { onchange: (value) => this.player?.hear(/** @type {import("../inspector/player.js").Side} */ (value)) });
    side.setAttribute("aria-label", "What to hear");
    const zoom = [
      button({ label: "Zoom out", icon: "minus", kind: "quiet", iconOnly: true, small: true, onclick: () => this.chart?.zoom(1 / 2) }),
      button({ label: "Zoom in", icon: "plus", kind: "quiet", iconOnly: true, small: true, onclick: () => this.chart?.zoom(2) }),
      button({ label: "Show all", kind: "quiet", small: true, onclick: () => this.chart?.fit() }),
    ];
    fill(this.root,
      h("a", { class: "back row small", href: "#/calls" }, icon("back"), "Calls"),
      h("div", { class: "view-head" }, this.title, this.actions),
      this.warnings,
      h("section", { class: "card flush", "aria-label": "Time line" },
        h("div", { class: "transport" }, hearable && [this.playButton, side], this.clock, h("div", { class: "row zoom" }, zoom)),
        this.chart.element, legend()),
      h("div", { class: "inspector-below" },
        h("section", { class: "card flush" }, h("h2", { class: "inspector-heading" }, "Transcript"), this.transcript.element),
        h("section", { class: "card", "aria-label": "Facts" }, this.facts)));
    if (hearable) this.player = this.#newPlayer();
  }

  #newPlayer() {
    return new Player(`${this.data.path}/recording`, {
      onmove: (seconds) => this.#time(seconds, true),
      onstate: ({ playing, loading }) => {
        const label = loading ? "Loading" : playing ? "Pause" : "Play";
        this.playButton?.replaceChildren(icon(playing ? "pause" : "play"), label);
        if (this.playButton) this.playButton.disabled = loading;
      },
      onproblem: (error) => this.context.notice(error.message, "danger"),
    });
  }

  /** @param {number} seconds */
  #hear(seconds) {
    this.#time(seconds);
    void this.player?.play(seconds);
  }

  #toggle() {
    if (!this.player || !this.chart) return;
    if (this.player.playing) this.player.pause();
    else void this.player.play(this.chart.playhead >= this.chart.axis.seconds - 0.1 ? 0 : this.chart.playhead);
  }

  /** @param {number} seconds @param {boolean} [follow] */
  #time(seconds, follow = false) {
    this.chart?.seek(seconds, follow);
    this.transcript?.mark(seconds, follow);
    if (this.clock && this.chart) this.clock.textContent = `${clock(seconds, 1)} of ${clock(this.chart.axis.seconds, 1)}`;
  }

  /** @param {import("../api.js").Problem} problem */
  #refused(problem) {
    if (this.chart && problem.retryable) return; // what is shown stays, and is asked for again
    const again = button({ label: "Try again", icon: "retry", small: true, onclick: () => void this.data.load() });
    this.chart = null;
    this.player?.close();
    this.player = null;
    const missing = problem.status === 404;
    fill(this.root, h("a", { class: "back row small", href: "#/calls" }, icon("back"), "Calls"),
      missing ? h("div", { class: "card" }, emptyState({ icon: "search", title: "No such call", text: "It may have been deleted, or kept for as long as calls are kept." }))
        : banner({ tone: "danger", title: problem.title, detail: problem.detail, actions: [again] }));
  }
}

function legend() {
  return h("div", { class: "legend small muted" },
    h("span", { class: "legend-name" }, "Answer time:"),
    PARTS.map(([name, label]) => h("span", { class: "row legend-part" }, h("span", { class: `swatch part-${name}` }), label)));
}

/** @type {import("../routes.js").View["mount"]} */
export function mount(root, context) {
  const view = new InspectorView(root, context);
  return () => view.unmount();
}
