// @ts-check
/** The view Speak: a text, in a voice, heard while it is made. */

import { button, field, progress } from "../components.js";
import { fill, h, icon } from "../dom.js";
import { clock, download, trouble } from "../engines.js";
import { Speech, mp3 } from "../speak/speech.js";
import { Voices } from "../speak/voices.js";

const MAX_TEXT = 10_000;
const TEXT = "media-server.text";
const EXAMPLE = "Good evening. Your table for four is booked for Friday at half past seven.";

class SpeakView {
  /** @param {HTMLElement} root @param {import("../app.js").Context} context */
  constructor(root, context) {
    this.context = context;
    this.speech = /** @type {Speech | null} */ (null);
    this.speaking = false;
    this.voices = new Voices(context);
    this.text = h("textarea", { class: "textarea text", maxLength: MAX_TEXT, spellcheck: true, value: sessionStorage.getItem(TEXT) ?? EXAMPLE, oninput: () => this.#typed(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) });
    this.count = h("p", { class: "hint number count", "aria-hidden": "true" });
    this.speed = h("input", { class: "range", type: "range", min: "0.5", max: "2", step: "0.05", value: "1", oninput: () => this.#typed() });
    this.speedLabel = h("span", { class: "number" });
    this.button = button({ label: "Speak", icon: "play", kind: "primary", onclick: () => this.#toggle() });
    this.bar = progress("Heard");
    this.told = h("p", { class: "muted small number" });
    this.save = [
      button({ label: "Play again", icon: "retry", small: true, onclick: () => void this.#again() }),
      button({ label: "WAV", icon: "download", small: true, onclick: () => this.speech && download(this.speech.file(), "speech.wav") }),
      button({ label: "MP3", icon: "download", small: true, onclick: () => void this.#mp3() }),
    ];
    this.after = h("div", { class: "row wrap", role: "group", "aria-label": "What was spoken" }, ...this.save);
    this.playing = h("div", { class: "stack tight playing", hidden: true }, this.bar.element, this.told, this.after);
    this.message = h("div", { class: "message" });
    const speed = field("Speed", this.speed);
    speed.firstElementChild?.append(" ", this.speedLabel);
    root.append(
      h("div", { class: "view-head" }, h("div", null, h("h1", null, "Speak"), h("p", null, "Text to speech, heard while it is made."))),
      h("div", { class: "speak" },
        h("section", { class: "card stack", "aria-label": "What to say" }, field("Text", this.text), this.count,
          h("div", { class: "speak-options" }, this.voices.field, speed), this.voices.message,
          h("div", { class: "row" }, this.button, h("span", { class: "muted small wide-only" }, h("kbd", null, "Ctrl"), " ", h("kbd", null, "Enter"))),
          this.playing, this.message),
        this.voices.element));
    this.#show();
  }

  unmount() {
    this.speech?.stop();
  }

  #typed() {
    const text = this.text.value;
    sessionStorage.setItem(TEXT, text);
    this.count.textContent = `${text.length.toLocaleString("en")} of ${MAX_TEXT.toLocaleString("en")} characters`;
    this.speedLabel.textContent = `${Number(this.speed.value).toFixed(2)}×`;
    this.button.disabled = !this.speaking && text.trim() === "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || this.button.disabled) return;
    event.preventDefault();
    this.#toggle();
  }

  #toggle() {
    if (this.speaking) return this.speech?.stop();
    fill(this.message);
    const wanted = { text: this.text.value, voice: this.voices.value, speed: Number(this.speed.value) };
    let first = "";
    const speech = (this.speech = new Speech(wanted, {
      onfirst: (seconds) => void (first = `First sound after ${Math.round(1000 * seconds)} ms`),
      onmore: (made, heard, whole) => {
        this.bar.set(made > 0 ? heard / made : 0);
        this.told.textContent = [first, `${clock(heard, true)} of ${clock(made, true)}${whole ? "" : " so far"}`].filter(Boolean).join(" · ");
      },
      onover: (error) => {
        this.speaking = false;
        if (this.speech !== speech) return;
        if (error) fill(this.message, trouble(error, () => this.#toggle()));
        this.#show();
      },
    }));
    this.speaking = true;
    this.told.textContent = "Asked for";
    this.bar.set(0);
    this.#show();
    void speech.speak();
  }

  async #again() {
    this.speaking = true;
    this.#show();
    await this.speech?.again();
  }

  async #mp3() {
    if (!this.speech) return;
    const [, , save] = this.save;
    save.disabled = true;
    try {
      download(await mp3(this.speech.wanted), "speech.mp3");
    } catch (error) {
      fill(this.message, trouble(error));
    }
    save.disabled = false;
  }

  #show() {
    const { speaking, speech } = this;
    this.playing.hidden = !speech || (!speaking && speech.made === 0);
    this.after.hidden = speaking || !speech?.whole;
    fill(this.button, icon(speaking ? "stop" : "play"), speaking ? "Stop" : "Speak");
    this.#typed();
  }
}

/** @type {import("../routes.js").View["mount"]} */
export function mount(root, context) {
  const view = new SpeakView(root, context);
  return () => view.unmount();
}
