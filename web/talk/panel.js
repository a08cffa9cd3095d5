// @ts-check
/** The side of the call: the one button, who speaks and how loud, mute and keys, what to choose from. */

import { button, field, meter, select, setOptions } from "../components.js";
import { canChooseSpeaker } from "../audio/player.js";
import { devices } from "../audio/microphone.js";
import { fill, h, icon } from "../dom.js";

/** Mute and keypad as they stand: pressed or not. @typedef {{muted: boolean, keys: boolean}} Pressed */

export class Panel {
  /**
   * @param {{toggle: () => void, mute: () => void, keys: () => void, dialplan: (name: string) => void,
   *   microphone: (id: string) => void, speaker: (id: string) => void}} on
   * @param {HTMLElement} keypad
   */
  constructor(on, keypad) {
    this.caller = meter("--caller");
    this.agent = meter("--agent");
    this.talk = h("button", { class: "talk-button", type: "button", onclick: on.toggle });
    this.title = h("h1", { class: "stage-title" });
    this.detail = h("p", { class: "muted" });
    this.mute = button({ label: "Mute", icon: "microphone", onclick: on.mute, pressed: false });
    this.keys = button({ label: "Keypad", icon: "keypad", onclick: on.keys, pressed: false });
    this.keys.setAttribute("aria-expanded", "false");
    this.keypad = keypad;
    this.dialplan = select([{ value: "", label: "The server’s choice" }], { onchange: on.dialplan });
    this.microphone = select([USUAL], { onchange: on.microphone });
    this.speaker = select([USUAL], { onchange: on.speaker });
    this.connection = h("p", { class: "connection small muted" });
    this.message = h("div", { class: "stage-message" });
    this.element = h("section", { class: "card stage", "aria-label": "Call" },
      h("div", { class: "stage-main" }, this.talk, h("div", { class: "stage-words" }, this.title, this.detail)),
      this.message,
      h("div", { class: "levels" }, level("You", this.caller.element), level("Agent", this.agent.element)),
      h("div", { class: "controls" }, this.mute, this.keys),
      this.keypad,
      h("div", { class: "stack choices" },
        field("Dialplan", this.dialplan), field("Microphone", this.microphone), canChooseSpeaker() && field("Speaker", this.speaker)),
      this.connection);
    keypad.hidden = true;
  }

  /** @param {{calling: boolean, busy: boolean, title: string, detail?: string}} state `busy`: neither ended nor live yet */
  show({ calling, busy, title, detail = "" }) {
    const kind = calling ? "end" : "begin";
    if (this.talk.dataset.kind !== kind) fill(this.talk, icon(calling ? "end" : "microphone"), h("span", null, calling ? "End" : "Talk"));
    this.talk.dataset.kind = kind;
    this.talk.classList.toggle("busy", busy);
    this.element.classList.toggle("calling", calling);
    this.say(title, detail);
    this.dialplan.disabled = calling;
    for (const control of [this.mute, this.keys]) control.disabled = !calling;
  }

  /** @param {string} title @param {string} [detail] */
  say(title, detail = "") {
    if (this.title.textContent !== title) this.title.textContent = title;
    if (this.detail.textContent !== detail) this.detail.textContent = detail;
  }

  /** @param {Pressed} pressed */
  press({ muted, keys }) {
    fill(this.mute, icon(muted ? "muted" : "microphone"), muted ? "Muted" : "Mute");
    this.mute.setAttribute("aria-pressed", String(muted));
    this.keys.setAttribute("aria-pressed", String(keys));
    this.keys.setAttribute("aria-expanded", String(keys));
    this.keypad.hidden = !keys;
  }

  /** @param {number} caller @param {number} agent 0 to 1 */
  levels(caller, agent) {
    this.caller.set(caller);
    this.agent.set(agent);
    this.talk.style.setProperty("--level", caller.toFixed(3));
  }

  /** @param {{name: string, default: boolean}[]} dialplans @param {string} chosen */
  setDialplans(dialplans, chosen) {
    const usual = dialplans.find((each) => each.default)?.name ?? "";
    const options = dialplans.map(({ name, default: isUsual }) => ({ value: name, label: isUsual ? `${name} (default)` : name }));
    const none = { value: "", label: "The server’s choice" };
    setOptions(this.dialplan, usual ? options : [none, ...options], chosen || usual);
  }

  /** Ask the browser which devices there are. @param {{microphone: string, speaker: string}} chosen */
  async refreshDevices(chosen) {
    for (const [element, kind, id] of /** @type {const} */ ([
      [this.microphone, "audioinput", chosen.microphone], [this.speaker, "audiooutput", chosen.speaker],
    ])) {
      const found = (await devices(kind)).filter((device) => device.id !== "default");
      setOptions(element, [USUAL, ...found.map((device) => ({ value: device.id, label: device.label }))], id);
    }
  }
}

const USUAL = { value: "", label: "System default" };

/** @param {string} name @param {HTMLElement} bar */
function level(name, bar) {
  return h("div", { class: "level" }, h("span", { class: "small muted" }, name), bar);
}
