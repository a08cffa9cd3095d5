// @ts-check
/** What came of a transcription: its words, its sound, and ways to take it home. */

import { badge, button, emptyState } from "../components.js";
import { fill, h } from "../dom.js";
import { clock, download } from "../engines.js";
import { FORMATS, plain } from "./captions.js";
import { languageName } from "./languages.js";
import { LEAD_S, Reader } from "./reader.js";

export class Result {
  /** @param {import("../app.js").Context} context */
  constructor(context) {
    this.context = context;
    this.name = "transcript";
    this.transcript = none();
    this.url = "";
    this.live = false;
    this.reader = new Reader({ play: (seconds) => this.#play(seconds), point: (word) => this.#point(word) });
    this.pointed = h("span", { class: "muted small number pointed" });
    this.about = h("div", { class: "row wrap about" });
    this.audio = h("audio", { class: "player", controls: true, preload: "metadata", hidden: true });
    this.take = h("div", { class: "row wrap take", role: "group", "aria-label": "Take it with you" },
      button({ label: "Copy", icon: "copy", small: true, onclick: () => void this.#copy() }),
      Object.entries(FORMATS).map(([suffix, { label }]) => button({ label, icon: "download", small: true, onclick: () => this.#download(suffix) })));
    this.head = h("div", { class: "result-head stack" }, h("div", { class: "row wrap spread" }, this.about, this.pointed), this.audio, this.take);
    this.nothing = emptyState({ icon: "talk", title: "No transcript yet", text: "Words appear here with their times. Press a word to hear the recording from there." });
    this.element = h("section", { class: "card flush result", "aria-label": "Transcript" }, this.head, this.nothing, this.reader.element);
    this.show();
  }

  /** A new one. @param {string} name of its files @param {{sound?: Blob, live?: boolean}} [options] `sound`: to listen to */
  begin(name, { sound, live = false } = {}) {
    this.name = name;
    this.live = live;
    this.transcript = none();
    this.reader.clear();
    this.sound(sound ?? null);
    this.show();
  }

  /** The whole of it. @param {import("./captions.js").Transcript} found */
  fill(found) {
    this.transcript = found;
    for (const segment of found.segments) this.reader.add(segment);
    this.show();
  }

  /** What was just said. @param {import("./captions.js").Segment} segment @param {string | null} language */
  add(segment, language) {
    this.transcript.segments.push(segment);
    this.transcript.text = this.transcript.segments.map(({ text }) => text).join(" ");
    this.transcript.language = language;
    this.reader.add(segment);
    this.show();
    this.reader.toEnd();
  }

  /** Nothing is added any more. @param {number} seconds @param {Blob | null} sound */
  end(seconds, sound) {
    this.live = false;
    this.transcript.duration_s = seconds;
    this.reader.partial("");
    this.sound(sound);
    this.show();
  }

  /** The recording, to listen to. @param {Blob | null} blob */
  sound(blob) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = blob ? URL.createObjectURL(blob) : "";
    if (blob) this.audio.src = this.url;
    else this.audio.removeAttribute("src");
    this.audio.hidden = !blob;
  }

  /** To be called for each frame. */
  draw() {
    if (!this.audio.paused || this.audio.currentTime > 0) this.reader.light(this.audio.currentTime);
  }

  show() {
    const { segments, language, duration_s: seconds } = this.transcript;
    const some = segments.length > 0;
    this.head.hidden = !some && !this.live;
    this.nothing.hidden = some || this.live;
    this.take.hidden = this.live || !some;
    const words = segments.reduce((sum, segment) => sum + (segment.words?.length ?? 0), 0);
    fill(this.about,
      this.live && badge("Listening", "ok live"),
      language && badge(languageName(language)),
      seconds > 0 && h("span", { class: "muted small number" }, clock(seconds)),
      words > 0 && h("span", { class: "muted small" }, `${words} ${words === 1 ? "word" : "words"}`));
  }

  /** @param {number} seconds */
  #play(seconds) {
    if (!this.url) return;
    this.audio.currentTime = Math.max(0, seconds - LEAD_S);
    void this.audio.play().catch(() => this.context.notice("This browser cannot play that recording.", "danger"));
  }

  /** @param {import("./captions.js").Word | null} word */
  #point(word) {
    this.pointed.textContent = word ? `${clock(word.start, true)} to ${clock(word.end, true)} · ${Math.round(100 * word.confidence)} % sure` : "";
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(plain(this.transcript));
      this.context.notice("Copied.");
    } catch {
      this.context.notice("The browser does not let this page copy. Take the text file instead.", "danger");
    }
  }

  /** @param {string} suffix */
  #download(suffix) {
    const format = FORMATS[suffix];
    download(format.of(this.transcript), `${this.name}.${suffix}`, format.type);
  }
}

/** @returns {import("./captions.js").Transcript} */
function none() {
  return { text: "", language: null, duration_s: 0, segments: [] };
}
