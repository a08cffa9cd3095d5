// @ts-check
/** The view Talk: one call, seen and heard. */

import { levelOfStream } from "../audio/levels.js";
import { banner, emptyState } from "../components.js";
import { fill, h } from "../dom.js";
import { TalkCall } from "../talk/call.js";
import { composer } from "../talk/composer.js";
import { Conversation } from "../talk/conversation.js";
import { keypad } from "../talk/keypad.js";
import { Panel } from "../talk/panel.js";
import { permitted } from "../talk/permission.js";
import { insecureBanner } from "../talk/secure.js";
import { stateInWords } from "../talk/states.js";
import { Transcript } from "../talk/transcript.js";

const ROUND_TRIP_EVERY_MS = 5000;
const DIALPLAN = "media-server.dialplan";

class TalkView {
  /** @param {HTMLElement} root @param {import("../app.js").Context} context */
  constructor(root, context) {
    this.context = context;
    this.talk = new Conversation();
    [this.pressed, this.liveSince] = [{ muted: false, keys: false }, 0];
    this.hearing = /** @type {{level: () => number, close: () => void} | null} */ (null);
    this.call = new TalkCall({
      onstate: (state) => this.#state(state), onevent: (event) => this.#event(event), onmicrophone: (stream) => this.#microphone(stream),
      iceServers: async () => (await permitted(context.page)).ice_servers,
    });
    this.call.choice.dialplan = sessionStorage.getItem(DIALPLAN) ?? "";
    this.keypad = keypad((digit) => this.call.send({ type: "digit", digit }), () => this.call.state.phase === "live");
    this.panel = new Panel({
      toggle: () => this.#toggle(), mute: () => this.#press({ muted: !this.pressed.muted }), keys: () => this.#press({ keys: !this.pressed.keys }),
      dialplan: (name) => this.#chooseDialplan(name),
      microphone: (id) => this.#device(this.call.chooseMicrophone(id)), speaker: (id) => this.#device(this.call.chooseSpeaker(id)),
    }, this.keypad.element);
    this.scroller = h("div", { class: "scroller", tabIndex: 0, role: "region", "aria-label": "Transcript" });
    this.transcript = new Transcript(this.scroller);
    this.composer = composer((text) => this.call.send({ type: "text", text }));
    this.scroller.append(nothingYet(), this.transcript.list);
    const words = h("section", { class: "card flush words", "aria-label": "Conversation" }, this.scroller, this.composer.element);
    root.append(h("div", { class: "talk" }, this.panel.element, words));
    this.#listen();
    this.#state({ phase: "idle" });
    if (!isSecureContext) this.#noMicrophone();
    void this.#dialplans();
    void this.panel.refreshDevices(this.call.choice);
  }

  #listen() {
    this.over = new AbortController();
    const { signal } = this.over;
    addEventListener("pagehide", () => this.call.end(), { signal });
    addEventListener("keychange", () => void this.#dialplans(), { signal });
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.panel.refreshDevices(this.call.choice), { signal });
    const draw = () => {
      if (signal.aborted) return;
      this.#draw();
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
    const timer = setInterval(() => void this.#roundTrip(), ROUND_TRIP_EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  unmount() {
    this.call.end();
    this.over?.abort();
    this.keypad.close();
  }

  #noMicrophone() {
    this.panel.talk.disabled = true;
    this.panel.say("No microphone here");
    fill(this.scroller, insecureBanner());
  }

  #toggle() {
    if (this.call.running) this.call.end();
    else void this.call.start();
  }

  /** @param {Partial<typeof this.pressed>} change */
  #press(change) {
    Object.assign(this.pressed, change);
    this.call.mute(this.pressed.muted);
    this.panel.press(this.pressed);
  }

  /** @param {import("../talk/call.js").State} state */
  #state(state) {
    const words = stateInWords(state);
    const live = state.phase === "live";
    this.panel.show({ ...words, calling: this.call.running !== null && state.phase !== "over" });
    this.composer.enable(live);
    fill(this.panel.message, words.banner && banner(words.banner));
    if (words.aside) this.#show(this.talk.aside([words.aside, this.liveSince && duration(this.liveSince)].filter(Boolean).join(" · ")));
    if (words.spoken) this.context.announce(words.spoken);
    if (state.phase === "microphone") this.#begin();
    this.liveSince = live ? performance.now() : 0;
    if (!live) this.#quiet();
    if (!this.call.running) this.#press({ keys: false });
    void this.#roundTrip();
  }

  /** A new conversation on an empty page. */
  #begin() {
    this.talk = new Conversation();
    this.transcript = new Transcript(this.scroller);
    fill(this.scroller, this.transcript.list);
  }

  #quiet() {
    for (const line of this.talk.close()) this.transcript.draw(line);
    this.transcript.listening(false);
    this.panel.levels(0, 0);
  }

  /** @param {any} event */
  #event(event) {
    this.#show(this.talk.receive(event));
    const lastCaller = this.talk.last((line) => line.who === "caller");
    this.transcript.listening(this.talk.callerSpeaks && (!lastCaller || lastCaller.final));
    if (event.type === "caller_said" && event.text) this.context.announce(`You: ${event.text}`);
    if (event.type === "agent_said" && event.heard) this.context.announce(`Agent: ${event.heard}`);
  }

  /** @param {import("../talk/conversation.js").Line | null} line */
  #show(line) {
    if (!line) return;
    this.transcript.draw(line);
    this.transcript.keep(this.talk.lines);
  }

  #draw() {
    const { state } = this.call;
    if (state.phase !== "live") return;
    this.panel.levels(this.pressed.muted ? 0 : (this.hearing?.level() ?? 0), state.wire.level());
    const speaking = this.talk.last((line) => line.who === "agent" && !line.over);
    const title = speaking?.held ? "Paused for you" : speaking ? "Speaking" : this.pressed.muted ? "Muted" : "Listening";
    this.panel.say(title, duration(this.liveSince));
  }

  /** @param {MediaStream | null} stream */
  #microphone(stream) {
    this.hearing?.close();
    this.hearing = stream && levelOfStream(stream);
    if (stream) void this.panel.refreshDevices(this.call.choice);
  }

  /** @param {Promise<void>} change */
  async #device(change) {
    await change.catch((/** @type {Error} */ error) => this.context.notice(`That device could not be used. ${error.message}`, "danger"));
  }

  /** @param {string} name */
  #chooseDialplan(name) {
    this.call.choice.dialplan = name;
    sessionStorage.setItem(DIALPLAN, name);
  }

  async #dialplans() {
    const page = await this.context.page().catch(() => null); // the shell tells of it
    if (!page) return;
    this.recorded = page.recording;
    this.panel.setDialplans(page.dialplans, this.call.choice.dialplan);
    this.call.choice.dialplan = this.panel.dialplan.value;
    void this.#roundTrip();
  }

  async #roundTrip() {
    const { state } = this.call;
    const parts = [];
    if (state.phase === "live") {
      const ms = await state.wire.roundTrip();
      if (this.call.state !== state) return;
      parts.push(state.wire.name, ms !== null && `${Math.max(1, Math.round(ms))} ms round trip`);
    }
    const connected = parts.filter(Boolean).join(" · ");
    fill(this.panel.connection, connected && h("span", null, connected), this.recorded && h("span", null, "Calls are recorded"));
  }
}

/** Minutes and seconds since then. @param {number} since */
function duration(since) {
  const seconds = Math.floor((performance.now() - since) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function nothingYet() {
  const text = "What you say appears here as you say it, and the answer as you hear it. Under each turn: how long the answer took, and why.";
  return emptyState({ icon: "talk", title: "Talk to the agent", text });
}

/** @type {import("../routes.js").View["mount"]} */
export function mount(root, context) {
  const view = new TalkView(root, context);
  return () => view.unmount();
}
