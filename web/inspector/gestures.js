// @ts-check
/** Fingers, mouse and wheel on a time axis: drag moves it, a pinch or Ctrl with the wheel zooms, a click is a click. */

const CLICK_PX = 5;
const WHEEL = 0.0025;
const MOST_WHEEL = 0.6;

/**
 * @param {HTMLElement} element
 * @param {import("./axis.js").Axis} axis
 * @param {{moved: () => void, click: (x: number, y: number) => void, point: (x: number, y: number) => void, leave: () => void}} told
 *   `moved`: something else of the axis is seen now
 * @param {AbortSignal} signal
 */
export function gestures(element, axis, told, signal) {
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let travelled = 0;

  const place = (/** @type {MouseEvent} */ event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (fingers.size === 0) travelled = 0;
    fingers.set(event.pointerId, place(event));
    element.setPointerCapture(event.pointerId);
  }, { signal });

  element.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) return told.point(now.x, now.y);
    travelled += Math.abs(now.x - before.x) + (event.pointerType === "mouse" ? 0 : Math.abs(now.y - before.y));
    if (fingers.size === 1 && travelled > CLICK_PX) {
      axis.pan(((before.x - now.x) / axis.width) * axis.span);
      told.moved();
    } else if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1] ?? now;
      const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
      if (was > 1 && is > 1) axis.zoom(is / was, axis.at((now.x + other.x) / 2));
      told.moved();
    }
    fingers.set(event.pointerId, now);
    told.leave();
  }, { signal });

  element.addEventListener("pointerup", (event) => {
    const at = fingers.get(event.pointerId);
    if (at && fingers.size === 1 && travelled <= CLICK_PX) told.click(at.x, at.y);
    fingers.delete(event.pointerId);
  }, { signal });

  for (const name of /** @type {const} */ (["pointercancel", "lostpointercapture"])) {
    element.addEventListener(name, (event) => fingers.delete(event.pointerId), { signal });
  }
  element.addEventListener("pointerleave", () => told.leave(), { signal });

  element.addEventListener("wheel", (event) => {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const along = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (event.ctrlKey || event.metaKey) {
      const turned = Math.max(-MOST_WHEEL, Math.min(MOST_WHEEL, -event.deltaY * unit * WHEEL * (Math.abs(event.deltaY) < 20 ? 4 : 1)));
      axis.zoom(Math.exp(turned), axis.at(place(event).x));
    } else if (along !== 0 && !axis.whole) {
      axis.pan(((along * unit) / axis.width) * axis.span);
    } else return;
    event.preventDefault();
    told.moved();
  }, { signal, passive: false });
}
