// The faces that were seen, as the browser's own history.

import { readAddress, writeAddress } from "./address.js";

/** @typedef {import("./address.js").Face} Face */

let last = position();

/**
 * Name the face that hangs now in the address.
 * @param {Face} face
 * @param {{instead?: boolean}} [how] instead: in place of the present entry
 */
export function record(face, { instead = false } = {}) {
  const at = instead ? position() : position() + 1;
  try {
    history[instead ? "replaceState" : "pushState"]({ at }, "", writeAddress(face));
    last = instead ? Math.max(last, at) : at;
  } catch {
    // Browsers refuse too many entries in a short time; the page works on with the old address.
  }
}

/**
 * Say whether there is a face before this one.
 * @returns {boolean}
 */
export function hasPast() {
  return position() > 0;
}

/**
 * Say whether one went back, and can go forward again.
 * @returns {boolean}
 */
export function hasFuture() {
  return position() < last;
}

/**
 * Call back when the reader went back or forward.
 * @param {(place: import("./address.js").Place) => void} onMove
 */
export function follow(onMove) {
  window.addEventListener("popstate", () => onMove(readAddress(location.search)));
}

function position() {
  return Number(history.state?.at ?? 0);
}
