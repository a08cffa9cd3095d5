// @ts-check
/** A transcript as files: text, SubRip, WebVTT, JSON; cut as the server cuts its captions. */

const CUE_S = 6;
const CUE_CHARACTERS = 84; // two lines of 42, as subtitles have

/**
 * @typedef {{text: string, start: number, end: number, confidence: number}} Word seconds of the recording
 * @typedef {{start: number, end: number, text: string, words?: Word[]}} Segment
 * @typedef {{text: string, language: string | null, duration_s: number, segments: Segment[]}} Transcript
 */

/** @type {Record<string, {label: string, type: string, of: (transcript: Transcript) => string}>} by suffix */
export const FORMATS = {
  txt: { label: "Text", type: "text/plain", of: plain },
  srt: { label: "SubRip", type: "application/x-subrip", of: srt },
  vtt: { label: "WebVTT", type: "text/vtt", of: vtt },
  json: { label: "JSON", type: "application/json", of: (transcript) => `${JSON.stringify(transcript, null, 2)}\n` },
};

/** A line for each piece of speech. @param {Transcript} transcript */
export function plain({ segments }) {
  return segments.map((segment) => `${segment.text}\n`).join("");
}

/** @param {Transcript} transcript */
function srt({ segments }) {
  return cues(segments).map((cue, index) => `${index + 1}\n${span(cue, ",")}\n${cue.text}\n`).join("\n");
}

/** @param {Transcript} transcript */
function vtt({ segments }) {
  const escaped = (/** @type {string} */ text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return ["WEBVTT\n", ...cues(segments).map((cue) => `${span(cue, ".")}\n${escaped(cue.text)}\n`)].join("\n");
}

/** @param {Segment[]} segments @returns {{start: number, end: number, text: string}[]} */
export function cues(segments) {
  const all = [];
  for (const { start, end, text, words = [] } of segments) {
    if (words.length === 0) all.push({ start, end, text });
    let cue = null;
    for (const word of words) {
      if (!cue || word.end - cue.start > CUE_S || cue.text.length + 1 + word.text.length > CUE_CHARACTERS) {
        cue = { start: word.start, end: word.end, text: word.text };
        all.push(cue);
      } else {
        cue.text += ` ${word.text}`;
        cue.end = word.end;
      }
    }
  }
  return all;
}

/** @param {{start: number, end: number}} cue @param {string} point */
function span({ start, end }, point) {
  return `${time(start, point)} --> ${time(end, point)}`;
}

/** @param {number} seconds @param {string} point */
function time(seconds, point) {
  const ms = Math.round(1000 * Math.max(0, seconds));
  const two = (/** @type {number} */ n) => String(Math.floor(n)).padStart(2, "0");
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${point}${String(ms % 1000).padStart(3, "0")}`;
}
