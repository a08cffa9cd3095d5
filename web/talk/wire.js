// @ts-check
/**
 * The wire of a call: WebRTC, or where that does not pass the WebSocket.
 *
 * @typedef {object} Wire
 * @property {string} name what the visitor reads
 * @property {(message: object) => void} send
 * @property {(stream: MediaStream) => Promise<void>} setMicrophone
 * @property {(speaker: string) => Promise<void>} setSpeaker
 * @property {() => number} level how loud the other side is, 0 to 1
 * @property {() => Promise<number | null>} roundTrip milliseconds, where it is known
 * @property {() => Promise<void>} close ends the call; also where the page is about to go, and more than once
 *
 * @typedef {object} Wiring
 * @property {MediaStream} microphone
 * @property {string} dialplan "" is the server's choice
 * @property {string} speaker "" is the usual one
 * @property {RTCIceServer[]} iceServers
 * @property {(event: any) => void} onevent
 * @property {(problem: Error | null) => void} onclose the wire is gone, and not by `close`
 * @property {AbortSignal} signal
 */

import { callBySocket } from "./socket.js";
import { callByWebRtc, NoPassage } from "./webrtc.js";

const NO_UDP = "media-server.no-udp";

/**
 * Connect; where WebRTC did not pass once, it is not tried again in this tab.
 *
 * @param {Wiring} wiring
 * @returns {Promise<Wire>}
 * @throws {import("../api.js").Problem} the server refuses the call
 */
export async function connected(wiring) {
  if (!sessionStorage.getItem(NO_UDP)) {
    try {
      return await callByWebRtc(wiring);
    } catch (error) {
      if (!(error instanceof NoPassage)) throw error;
      wiring.signal.throwIfAborted();
      if (error.lasting) sessionStorage.setItem(NO_UDP, "yes");
    }
  }
  return await callBySocket(wiring);
}
