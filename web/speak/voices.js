// @ts-check
/** The voices that there are: which one speaks, and those that were made here. */

import { ask, json } from "../api.js";
import { badge, button, confirm, field, select, setOptions } from "../components.js";
import { fill, h } from "../dom.js";
import { inWords, trouble } from "../engines.js";
import { languageName } from "../transcribe/languages.js";
import { newVoice } from "./new-voice.js";

const VOICE = "media-server.voice";

/** @typedef {{id: string, name: string, kind: "built-in" | "cloned", description?: string, language?: string | null, created?: string}} Voice */

export class Voices {
  /** @param {import("../app.js").Context} context */
  constructor(context) {
    this.context = context;
    this.voices = /** @type {Voice[]} */ ([]);
    this.choice = select([], { onchange: (value) => sessionStorage.setItem(VOICE, value), disabled: true });
    this.field = field("Voice", this.choice);
    this.list = h("ul", { class: "voices" });
    this.make = button({ label: "New voice", icon: "plus", small: true, onclick: () => void this.#make() });
    this.message = h("div", { class: "message" });
    this.element = h("section", { class: "card stack", "aria-label": "Your voices", hidden: true },
      h("div", { class: "row wrap spread" }, h("div", null, h("h2", null, "Your voices"), h("p", { class: "muted small" }, "From a recording of somebody who agrees.")), this.make),
      this.list);
    void this.refresh();
  }

  get value() {
    return this.choice.value || "default";
  }

  /** @param {string} [chosen] a voice's id */
  async refresh(chosen) {
    try {
      const { voices, default: usual, can_clone: canClone } = await json("/v1/voices");
      this.voices = voices;
      setOptions(this.choice, voices.map((/** @type {Voice} */ voice) => ({ value: voice.id, label: voice.name })), chosen ?? sessionStorage.getItem(VOICE) ?? usual);
      if (chosen) sessionStorage.setItem(VOICE, chosen);
      this.choice.disabled = false;
      const made = voices.filter((/** @type {Voice} */ voice) => voice.kind === "cloned");
      this.element.hidden = !canClone && made.length === 0;
      this.make.hidden = !canClone;
      fill(this.list, ...(made.length > 0 ? made.map((/** @type {Voice} */ voice) => this.#row(voice)) : [h("li", { class: "muted" }, "None yet.")]));
      fill(this.message);
    } catch (error) {
      fill(this.message, trouble(error, () => void this.refresh(chosen)));
    }
  }

  /** @param {Voice} voice */
  #row(voice) {
    const since = voice.created ? new Date(voice.created).toLocaleDateString("en", { dateStyle: "medium" }) : "";
    return h("li", { class: "row voice" },
      h("div", { class: "grow" }, h("strong", { class: "voice-name" }, voice.name), h("p", { class: "muted small" }, [voice.description, since && `made ${since}`].filter(Boolean).join(" · "))),
      voice.language && badge(languageName(voice.language)),
      button({ label: `Delete ${voice.name}`, icon: "trash", kind: "quiet", small: true, iconOnly: true, onclick: () => void this.#delete(voice) }));
  }

  async #make() {
    const voice = await newVoice();
    if (!voice) return;
    await this.refresh(voice.id);
    this.context.notice(`${voice.name} is there, and chosen.`);
  }

  /** @param {Voice} voice */
  async #delete(voice) {
    const sure = await confirm({ title: `Delete ${voice.name}?`, text: "The voice, and all that is kept of what it said, is gone for good.", yes: "Delete it" });
    if (!sure) return;
    try {
      await ask(`/v1/voices/${encodeURIComponent(voice.id)}`, { method: "DELETE" });
      this.context.notice(`${voice.name} is deleted.`);
    } catch (error) {
      const { title, detail } = inWords(error);
      this.context.notice(`${title}. ${detail}`, "danger");
    }
    await this.refresh();
  }
}
