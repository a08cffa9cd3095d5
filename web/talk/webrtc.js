// @ts-check
/** A call over WebRTC: offered to the server as WHIP (RFC 9725), with a data channel for events. */

import { ask, authorization } from "../api.js";
import { levelOfStream } from "../audio/levels.js";
import { setSink } from "../audio/player.js";
import { once, receive } from "./messages.js";

const GATHER_MS = 500;
const PASSAGE_MS = 2000;
const FOUND = new Set(["connected", "completed"]);
const SILENT_FOR_MS = 4000;
const DELETE_MS = 2000;

/** WebRTC does not come through here: UDP is blocked, or the server has none. `lasting`: another try is no use. */
export class NoPassage extends Error {
  /** @param {boolean} [lasting] */
  constructor(lasting = true) {
    super("WebRTC does not pass");
    this.lasting = lasting;
  }
}

/** @typedef {import("./wire.js").Wire} Wire @typedef {import("./wire.js").Wiring} Wiring */

/**
 * @param {Wiring} wiring
 * @returns {Promise<Wire>} once sound and events pass
 * @throws {NoPassage} take another way
 * @throws {import("../api.js").Problem} the server refuses the call
 */
export async function callByWebRtc(wiring) {
  const { microphone, signal } = wiring;
  if (!("RTCPeerConnection" in globalThis)) throw new NoPassage();
  const peer = new RTCPeerConnection({ iceServers: wiring.iceServers, bundlePolicy: "max-bundle" });
  const [track] = microphone.getAudioTracks();
  const { sender } = peer.addTransceiver(track, { direction: "sendrecv", streams: [microphone] });
  const channel = peer.createDataChannel("events");
  channel.onmessage = ({ data }) => receive(data, wiring.onevent);
  const heard = new Promise((/** @type {(stream: MediaStream) => void} */ resolve) => {
    peer.ontrack = ({ streams, track: remote }) => resolve(streams[0] ?? new MediaStream([remote]));
  });
  let resource = "";
  const hangUp = once(async () => {
    peer.close();
    if (resource) await deleted(resource);
  });
  try {
    resource = await offer(peer, wiring);
    await passage(peer, channel, signal);
  } catch (error) {
    await Promise.race([hangUp(), waited(1000)]);
    throw error;
  }
  const stream = await heard;
  const sound = await playing(stream, wiring.speaker);
  const listening = levelOfStream(stream);
  const stop = once(() => {
    sound.srcObject = null;
    listening.close();
  });
  watch(peer, channel, () => {
    stop();
    void hangUp();
    wiring.onclose(null);
  });
  return {
    name: "WebRTC",
    send: (message) => channel.readyState === "open" && channel.send(JSON.stringify(message)),
    setMicrophone: async (next) => await sender.replaceTrack(next.getAudioTracks()[0]),
    setSpeaker: (speaker) => setSink(sound, speaker),
    level: listening.level,
    roundTrip: () => roundTripOf(peer),
    close: async () => {
      channel.onclose = null;
      peer.onconnectionstatechange = null;
      stop();
      await hangUp();
    },
  };
}

/** Offer the call. @param {RTCPeerConnection} peer @param {Wiring} wiring @returns {Promise<string>} its resource */
async function offer(peer, { dialplan, signal }) {
  await peer.setLocalDescription();
  await Promise.race([gathered(peer), waited(GATHER_MS)]);
  const query = dialplan ? `?dialplan=${encodeURIComponent(dialplan)}` : "";
  const response = await ask(`/v1/webrtc${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/sdp" },
    body: peer.localDescription?.sdp,
    signal,
  }).catch((error) => {
    throw MISSING.has(error.status) ? new NoPassage(error.status !== 404) : error;
  });
  const location = response.headers.get("Location");
  const answer = await response.text();
  try {
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
  } catch {
    if (location) await deleted(new URL(location, response.url).href);
    throw new NoPassage();
  }
  return location ? new URL(location, response.url).href : "";
}

/** End a call, also when the page is about to go; a network that is gone does not hold that up. @param {string} resource */
async function deleted(resource) {
  const signal = AbortSignal.timeout(DELETE_MS);
  await fetch(resource, { method: "DELETE", keepalive: true, headers: authorization(), signal }).catch(() => {});
}

/** Refusals of WebRTC itself, not of the call: no such route (or dialplan, which the WebSocket says too), an offer it cannot take. */
const MISSING = new Set([404, 405, 406, 415, 501]);

/** @param {RTCPeerConnection} peer */
function gathered(peer) {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
    if (peer.iceGatheringState === "complete") resolve();
  });
}

/** @param {number} ms */
function waited(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Wait until sound and events pass.
 *
 * @param {RTCPeerConnection} peer @param {RTCDataChannel} channel @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function passage(peer, channel, signal) {
  return new Promise((resolve, reject) => {
    // Where the way is there and only the handshake is slow, the next call may try again.
    const timer = setTimeout(() => reject(new NoPassage(!FOUND.has(peer.iceConnectionState))), PASSAGE_MS);
    const judge = () => {
      if (peer.connectionState === "failed" || peer.connectionState === "closed") reject(new NoPassage());
      if (peer.connectionState !== "connected" || channel.readyState !== "open") return;
      clearTimeout(timer);
      resolve();
    };
    peer.onconnectionstatechange = judge;
    channel.onopen = judge;
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    judge();
  });
}

/** @param {MediaStream} stream @param {string} speaker */
async function playing(stream, speaker) {
  const sound = new Audio();
  sound.srcObject = stream;
  if (speaker) await setSink(sound, speaker).catch(() => {});
  void sound.play().catch(() => {});
  return sound;
}

/** @param {RTCPeerConnection} peer @param {RTCDataChannel} channel @param {() => void} lost */
function watch(peer, channel, lost) {
  let timer = 0;
  let over = false;
  const end = () => {
    if (!over) lost();
    over = true;
  };
  channel.onclose = end;
  peer.onconnectionstatechange = () => {
    clearTimeout(timer);
    if (peer.connectionState === "disconnected") timer = setTimeout(end, SILENT_FOR_MS);
    if (peer.connectionState === "failed" || peer.connectionState === "closed") end();
  };
  if (channel.readyState !== "open") end(); // it went while the sound was being set up
}

/** @param {RTCPeerConnection} peer */
async function roundTripOf(peer) {
  for (const report of (await peer.getStats()).values()) {
    if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined) {
      return 1000 * report.currentRoundTripTime;
    }
  }
  return null;
}
