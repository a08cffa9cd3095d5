// @ts-check
/** Where the tracks of the chart stand. Pure. */

/** The tracks from top to bottom, with their heights in px. */
export const TRACKS = /** @type {const} */ ([
  { name: "ruler", label: "", height: 26 },
  { name: "caller-wave", label: "Caller", height: 68 },
  { name: "agent-wave", label: "Agent", height: 68 },
  { name: "speech", label: "Speech heard", height: 22 },
  { name: "caller", label: "Caller said", height: 32 },
  { name: "agent", label: "Agent said", height: 32 },
  { name: "floor", label: "Floor and keys", height: 28 },
  { name: "events", label: "Events", height: 28 },
  { name: "receipts", label: "Answer time", height: 24 },
]);

export const OVERVIEW_PX = 36;
export const HEIGHT = TRACKS.reduce((sum, track) => sum + track.height, 0);

/** @param {string} name */
export function topOf(name) {
  let top = 0;
  for (const track of TRACKS) {
    if (track.name === name) return { top, height: track.height };
    top += track.height;
  }
  throw new Error(`no track ${name}`);
}
