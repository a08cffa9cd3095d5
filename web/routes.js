// @ts-check
/**
 * The views, by their address after `#/`. One with a `title` has a tab; one with `under` belongs to that tab.
 * A `*` at the end takes any one segment, which the view finds in `context.argument`.
 *
 * @typedef {{mount: (root: HTMLElement, context: import("./app.js").Context) => () => void}} View
 * @type {{path: string, title?: string, under?: string, load: () => Promise<View>}[]}
 */
export const ROUTES = [
  { path: "talk", title: "Talk", load: () => import("./views/talk.js") },
  { path: "transcribe", title: "Transcribe", load: () => import("./views/transcribe.js") },
  { path: "speak", title: "Speak", load: () => import("./views/speak.js") },
  { path: "calls", title: "Calls", load: () => import("./views/calls.js") },
  { path: "calls/*", under: "calls", load: () => import("./views/inspector.js") },
];
