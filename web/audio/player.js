// @ts-check
/** Plays pieces of linear16 as they come. */

import { levelOf } from "./levels.js";

/**
 * @typedef {object} Player
 * @property {(pcm: ArrayBuffer) => void} play linear16, little-endian, mono; it is given away
 * @property {(name: string) => void} mark have `onmark` called when all before was played, or cleared
 * @property {() => void} clear forget what is not played yet
 * @property {() => number} level how loud it is just now, 0 to 1
 * @property {(id: string) => Promise<void>} setSink play on this speaker, where the browser can choose
 * @property {AudioContext} context for pausing (`suspend`, `resume`)
 * @property {() => void} close
 */

/**
 * Open a player. Call it from a press of a button: browsers are silent before that.
 *
 * @param {{rate?: number, waitMs?: number, limitS?: number, onmark?: (name: string) => void,
 *   onplaying?: (playing: boolean) => void}} [options] `rate`: Hz of what is played; `waitMs`: how much has to be there
 *   before it begins; `limitS`: what may wait to be played, more is dropped; `onplaying`: it begins, or has run dry
 * @returns {Promise<Player>}
 */
export async function openPlayer({ rate = 16000, waitMs = 40, limitS = 30, onmark, onplaying } = {}) {
  const context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  try {
    await context.audioWorklet.addModule(new URL("./worklets/playback.js", import.meta.url));
  } catch (error) {
    void context.close();
    throw error;
  }
  const node = new AudioWorkletNode(context, "playback", {
    numberOfInputs: 0, outputChannelCount: [1], processorOptions: { rate, waitMs, limitS },
  });
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  node.connect(analyser).connect(context.destination);
  node.port.onmessage = ({ data }) => {
    if (data.mark !== undefined) onmark?.(data.mark);
    else if (data.playing !== undefined) onplaying?.(data.playing);
  };
  void context.resume();
  return {
    play: (pcm) => node.port.postMessage({ pcm }, [pcm]),
    mark: (name) => node.port.postMessage({ mark: name }),
    clear: () => node.port.postMessage({ clear: true }),
    level: () => levelOf(analyser),
    setSink: (id) => setSink(context, id),
    context,
    close: () => {
      node.port.onmessage = null;
      node.port.postMessage({ close: true });
      void context.close();
    },
  };
}

/** Whether the browser lets a page choose the speaker. */
export function canChooseSpeaker() {
  return "setSinkId" in HTMLMediaElement.prototype && "setSinkId" in AudioContext.prototype;
}

/**
 * @param {any} target an audio element or an AudioContext
 * @param {string} id of a speaker; "" is the usual one
 */
export async function setSink(target, id) {
  if (target.setSinkId) await target.setSinkId(id);
}
