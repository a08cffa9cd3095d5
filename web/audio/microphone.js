// @ts-check
/** The microphone: asked for, refused in clear words, and heard in pieces of linear16. */

/** Why there is no microphone. `code`: insecure, unsupported, refused, none, busy or failed. */
export class MicrophoneError extends Error {
  /** @param {keyof typeof WORDS} code @param {string} [more] */
  constructor(code, more = "") {
    const { title, detail } = WORDS[code];
    super(detail);
    this.name = "MicrophoneError";
    this.code = code;
    this.title = title;
    this.detail = more ? `${detail} (${more})` : detail;
  }
}

const WORDS = {
  insecure: {
    title: "The microphone needs a secure address",
    detail: "Browsers open it on https or on localhost only.",
  },
  unsupported: {
    title: "This browser has no microphone to offer",
    detail: "A current Chrome, Edge, Firefox or Safari has.",
  },
  refused: {
    title: "The microphone is blocked",
    detail: "Allow it for this page: the icon beside the address, or the system's privacy settings. Then try again.",
  },
  none: { title: "No microphone found", detail: "Plug one in, or choose another, and try again." },
  busy: {
    title: "The microphone is in use",
    detail: "Another program holds it, or the system does not give it out. Close that program and try again.",
  },
  failed: { title: "The microphone could not be opened", detail: "The browser does not say more." },
};

/** @type {Record<string, keyof typeof WORDS>} */
const CODES = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/**
 * Open the microphone, with echo, noise and loudness taken care of by the browser.
 *
 * @param {{deviceId?: string}} [options] `deviceId`: one of `devices()`; where it is gone, the usual one is taken
 * @returns {Promise<MediaStream>}
 * @throws {MicrophoneError}
 */
export async function openMicrophone({ deviceId } = {}) {
  if (!isSecureContext) throw new MicrophoneError("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError("unsupported");
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    if (error.name === "OverconstrainedError" && deviceId) return await openMicrophone();
    const code = CODES[error.name] ?? "failed";
    throw new MicrophoneError(code, code === "failed" ? error.name : "");
  }
}

/**
 * The devices that the browser tells of; before the microphone was allowed once they have no names, and are left out.
 *
 * @param {"audioinput" | "audiooutput"} kind
 * @returns {Promise<{id: string, label: string}[]>}
 */
export async function devices(kind) {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return all
    .filter((device) => device.kind === kind && device.deviceId !== "" && device.label !== "")
    .map((device) => ({ id: device.deviceId, label: device.label }));
}

/** @param {MediaStream} stream */
export function closeMicrophone(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * Hear a stream in pieces.
 *
 * @param {MediaStream} stream
 * @param {(piece: ArrayBuffer) => void} onPiece linear16, little-endian, mono
 * @param {{rate?: number, pieceMs?: number}} [options] Hz; milliseconds a piece
 * @returns {Promise<{stop: () => void}>} the stream itself stays open
 */
export async function capture(stream, onPiece, { rate = 16000, pieceMs = 20 } = {}) {
  const { context, source } = sourceOf(stream, rate);
  try {
    await context.audioWorklet.addModule(new URL("./worklets/capture.js", import.meta.url));
  } catch (error) {
    void context.close();
    throw error;
  }
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 1, processorOptions: { rate, pieceMs } });
  node.port.onmessage = ({ data }) => onPiece(data);
  source.connect(node).connect(context.destination); // it puts out silence; without a way out some browsers stop it
  void context.resume();
  const stop = () => {
    node.port.onmessage = null;
    node.port.postMessage("stop");
    if (context.state !== "closed") void context.close();
  };
  return { stop };
}

/** The stream in a context of this rate; where the browser wants its own (Firefox), the worklet resamples. */
function sourceOf(/** @type {MediaStream} */ stream, /** @type {number} */ rate) {
  let context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    void context.close();
    context = new AudioContext({ latencyHint: "interactive" });
    return { context, source: context.createMediaStreamSource(stream) };
  }
}
