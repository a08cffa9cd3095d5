// @ts-check
/** A new voice, of a recording of its speaker, who must have agreed. */

import { json } from "../api.js";
import { button, dialog, field, meter } from "../components.js";
import { fill, h, icon } from "../dom.js";
import { clock, trouble } from "../engines.js";
import { MOST_S, Recording } from "./recording.js";

const READ_THIS = "The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm cloak.";

/**
 * Ask for all that a voice takes, and have it made.
 *
 * @returns {Promise<{id: string, name: string} | null>} the voice; null where none was made
 */
export async function newVoice() {
  let form = /** @type {NewVoice | null} */ (null);
  const made = await dialog((close) => {
    form = new NewVoice(close);
    return { title: "New voice", body: form.element };
  });
  form?.leave();
  return made;
}

class NewVoice {
  /** @param {(voice: {id: string, name: string} | null) => void} close */
  constructor(close) {
    this.close = close;
    this.leaving = new AbortController();
    this.recording = /** @type {Recording | null} */ (null);
    this.file = /** @type {Blob | null} */ (null);
    this.fileName = "";
    this.url = "";
    this.name = h("input", { class: "input", required: true, maxLength: 100, autocomplete: "off" });
    this.input = h("input", { type: "file", class: "unseen", accept: "audio/*", tabIndex: -1, "aria-hidden": "true", onchange: () => this.#chosen() });
    this.choose = button({ label: "Choose a file", icon: "upload", onclick: () => this.input.click() });
    this.record = button({ label: "Record", icon: "microphone", onclick: () => void this.#toggle() });
    this.level = meter("--caller");
    this.level.element.hidden = true;
    this.sound = h("audio", { class: "player", controls: true, hidden: true });
    this.about = h("p", { class: "muted small", role: "status" }, `About 10 seconds of one person speaking, ${MOST_S} at most. Nothing to read? “${READ_THIS}”`);
    this.consent = h("input", { type: "checkbox", required: true });
    this.message = h("div", { class: "message" });
    this.make = button({ label: "Make the voice", kind: "primary", type: "submit" });
    this.element = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), void this.#send()) },
      field("Name", this.name),
      h("div", { class: "field recording" }, h("span", { class: "label" }, "Recording"), h("div", { class: "row wrap" }, this.record, this.choose, this.input), this.level.element, this.sound, this.about),
      h("label", { class: "check" }, this.consent, h("span", null, "The speaker of this recording agrees to this voice.")),
      this.message,
      h("div", { class: "actions" }, button({ label: "Cancel", onclick: () => close(null) }), this.make));
    this.#show();
  }

  leave() {
    this.leaving.abort();
    this.recording?.stop();
    if (this.url) URL.revokeObjectURL(this.url);
  }

  #chosen() {
    const file = this.input.files?.[0];
    if (file) this.#take(file, file.name);
  }

  /** @param {Blob} file @param {string} name */
  #take(file, name) {
    if (this.url) URL.revokeObjectURL(this.url);
    [this.file, this.fileName, this.url] = [file, name, URL.createObjectURL(file)];
    this.sound.src = this.url;
    this.about.textContent = name;
    fill(this.message);
    this.#show();
  }

  async #toggle() {
    if (this.recording) return this.recording.stop();
    fill(this.message);
    const recording = (this.recording = new Recording({
      onover: (file) => {
        this.recording = null;
        if (file && !this.leaving.signal.aborted) this.#take(file, `Recorded, ${clock(recording.seconds)}`);
        this.#show();
      },
    }));
    this.#show();
    try {
      await recording.start();
      this.#draw();
    } catch (error) {
      recording.stop();
      fill(this.message, trouble(error));
    }
  }

  #draw() {
    if (!this.recording) return;
    this.level.set(this.recording.level());
    this.about.textContent = `${clock(this.recording.seconds)} of ${clock(MOST_S)}. Read aloud: “${READ_THIS}”`;
    requestAnimationFrame(() => this.#draw());
  }

  async #send() {
    if (!this.file) return fill(this.message, trouble(new Error("A recording is wanted: record one, or choose a file.")));
    const form = new FormData();
    form.set("name", this.name.value.trim());
    form.set("consent", "true");
    form.set("file", this.file, "recording");
    fill(this.message);
    this.#busy(true);
    try {
      this.close(await json("/v1/voices", { method: "POST", body: form, signal: this.leaving.signal }));
    } catch (error) {
      if (!this.leaving.signal.aborted) fill(this.message, trouble(error));
    }
    this.#busy(false);
  }

  /** @param {boolean} busy */
  #busy(busy) {
    this.make.disabled = this.record.disabled = this.choose.disabled = busy;
    fill(this.make, busy && h("span", { class: "spinner" }), busy ? "Making it" : "Make the voice");
  }

  #show() {
    const recording = this.recording !== null;
    this.level.element.hidden = !recording;
    this.sound.hidden = recording || !this.file;
    this.choose.disabled = recording;
    this.make.disabled = recording;
    fill(this.record, icon(recording ? "stop" : "microphone"), recording ? "Stop" : this.file ? "Record again" : "Record");
    this.record.classList.toggle("danger", recording);
  }
}
