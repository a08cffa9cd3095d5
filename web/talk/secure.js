// @ts-check
/** What to do where the browser gives no microphone to an address that is neither https nor localhost. */

import { banner } from "../components.js";
import { h } from "../dom.js";

/** @returns {HTMLElement} */
export function insecureBanner() {
  const port = location.port || "80";
  return banner({
    tone: "warn",
    title: "The microphone needs https or localhost",
    detail: [
      `Browsers do not open it for ${location.origin}. From your own machine run`,
      h("code", { class: "command" }, `ssh -L ${port}:127.0.0.1:${port} ${location.hostname}`),
      "and open ", h("code", null, `http://localhost:${port}`), "; or have nginx serve this page over https (the folder nginx/ has a file for it).",
    ],
  });
}
