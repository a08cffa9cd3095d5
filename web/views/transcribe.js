// @ts-check
/** The view Transcribe: a recording, or what is said into the microphone, as text with the time of each word. */

import { banner, button, field, meter, progress, select } from "../components.js";
import { fill, h, icon } from "../dom.js";
import { trouble } from "../engines.js";
import { insecureBanner } from "../talk/secure.js";
import { languages } from "../transcribe/languages.js";
import { LiveTranscription } from "../transcribe/live.js";
import { Result } from "../transcribe/result.js";
import { transcribe } from "../transcribe/upload.js";

const LANGUAGE = "media-server.language";
const TAKEN = "audio/*,video/*,.wav,.mp3,.flac,.ogg,.opus,.webm,.m4a,.mp4,.aac";

class TranscribeView {
  /** @param {HTMLElement} root @param {import("../app.js").Context} context */
  constructor(root, context) {
    this.context = context;
    this.gone = new AbortController();
    this.job = /** @type {AbortController | null} */ (null);
    this.live = /** @type {LiveTranscription | null} */ (null);
    this.result = new Result(context);
    const chosen = sessionStorage.getItem(LANGUAGE) ?? "auto";
    this.language = select(languages(), { value: chosen, onchange: (value) => sessionStorage.setItem(LANGUAGE, value) });
    this.input = h("input", { type: "file", class: "unseen", accept: TAKEN, onchange: () => this.#chosen() });
    this.drop = h("label", { class: "drop" }, this.input, icon("upload"),
      h("strong", null, "Drop a recording here"), h("span", { class: "small" }, "or choose a file: WAV, MP3, FLAC, Ogg, WebM, M4A"));
    this.talk = button({ label: "Use the microphone", icon: "microphone", onclick: () => this.#toggleLive() });
    this.level = meter("--caller");
    this.work = h("div", { class: "stack tight", hidden: true });
    this.message = h("div", { class: "message" }, !isSecureContext && insecureBanner());
    root.append(
      h("div", { class: "view-head" }, h("div", null, h("h1", null, "Transcribe"), h("p", null, "Recordings and speech to text, on this server."))),
      h("div", { class: "transcribe" },
        h("div", { class: "stack" },
          h("section", { class: "card stack", "aria-label": "What to transcribe" }, field("Language", this.language), this.drop, this.talk, this.level.element, this.work),
          this.message),
        this.result.element));
    this.#dropping(this.drop);
    this.#show();
    this.#drawing();
  }

  #drawing() {
    if (this.gone.signal.aborted) return;
    if (this.live) this.level.set(this.live.level());
    this.result.draw();
    requestAnimationFrame(() => this.#drawing());
  }

  unmount() {
    this.gone.abort();
    this.job?.abort();
    this.live?.drop();
    this.result.sound(null);
  }

  /** @param {HTMLElement} drop */
  #dropping(drop) {
    const { signal } = this.gone;
    const over = (/** @type {boolean} */ is) => (/** @type {Event} */ event) => (event.preventDefault(), drop.classList.toggle("over", is));
    drop.addEventListener("dragover", over(true));
    drop.addEventListener("dragleave", over(false));
    drop.addEventListener("drop", (event) => {
      over(false)(event);
      const file = event.dataTransfer?.files[0];
      if (file) void this.#file(file);
    });
    // A file that misses the zone must not take the page's place.
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault(), { signal });
  }

  #chosen() {
    const file = this.input.files?.[0];
    if (file) void this.#file(file);
    this.input.value = "";
  }

  /** @param {File} file */
  async #file(file) {
    this.job?.abort();
    const job = (this.job = new AbortController());
    this.result.begin(file.name.replace(/\.[^.]+$/, "") || "transcript", { sound: file });
    fill(this.message);
    const onsent = this.#progress(file.name);
    try {
      const found = await transcribe(file, { language: this.language.value, signal: job.signal, onsent });
      if (this.job !== job) return;
      this.result.fill(found);
      this.context.announce(found.text ? `Transcribed. ${found.text.slice(0, 300)}` : "No speech was found");
      if (!found.text) fill(this.message, banner({ title: "No speech was found", detail: "The recording was decoded, but nobody speaks in it." }));
    } catch (error) {
      if (this.job !== job) return;
      this.result.sound(null);
      if (!job.signal.aborted) fill(this.message, trouble(error, () => void this.#file(file)));
    }
    this.job = null;
    this.#show();
  }

  /** @param {string} name @returns {(share: number) => void} */
  #progress(name) {
    const bar = progress("Sending the recording");
    const doing = h("span", { class: "muted small", role: "status" }, "Sending");
    const cancel = button({ label: "Cancel", small: true, kind: "quiet", onclick: () => this.job?.abort() });
    fill(this.work, h("div", { class: "row" }, h("strong", { class: "grow file-name" }, name), cancel), bar.element, doing);
    this.#show();
    return (share) => {
      bar.set(share);
      if (share === 1) doing.textContent = "Listening to it";
      bar.element.classList.toggle("waits", share === 1);
    };
  }

  #toggleLive() {
    if (this.live) return this.live.stop();
    this.result.begin("microphone", { live: true });
    fill(this.message);
    const live = (this.live = new LiveTranscription({
      onlistening: () => this.context.announce("Listening"),
      onpartial: (text) => this.result.reader.partial(text),
      onfinal: (segment, language) => (this.result.add(segment, language), this.context.announce(segment.text)),
      onover: (error) => this.#liveOver(live, error),
    }));
    this.#show();
    void live.start(this.language.value);
  }

  /** @param {LiveTranscription} live @param {unknown} error */
  #liveOver(live, error) {
    this.live = null;
    this.result.end(live.seconds, live.recording());
    if (error) fill(this.message, trouble(error, () => this.#toggleLive()));
    this.#show();
  }

  #show() {
    const live = this.live !== null;
    const busy = this.job !== null;
    this.work.hidden = !busy;
    this.level.element.hidden = !live;
    this.drop.hidden = live || busy;
    this.talk.hidden = busy;
    this.language.disabled = live || busy;
    fill(this.talk, icon(live ? "stop" : "microphone"), live ? "Stop listening" : "Use the microphone");
    this.talk.classList.toggle("danger", live);
  }
}

/** @type {import("../routes.js").View["mount"]} */
export function mount(root, context) {
  const view = new TranscribeView(root, context);
  return () => view.unmount();
}
