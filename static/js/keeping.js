// The star button and the list of kept faces.

import { byId } from "./dom.js";
import * as favourites from "./favourites.js";
import { announce, show } from "./notice.js";
import { Thumbs } from "./thumbs.js";

/** @typedef {import("./address.js").Face} Face */

/**
 * Show the kept faces.
 * @param {(face: Face) => void} onPick
 * @returns {(face: Face) => void} call it with the face that hangs
 */
export function openKeeping(onPick) {
  const button = byId("keep", HTMLButtonElement);
  const empty = byId("kept-empty", HTMLElement);
  const thumbs = new Thumbs(byId("kept", HTMLElement), onPick);
  /** @type {Face | undefined} */
  let hanging;

  function mark() {
    if (!hanging) return;
    button.setAttribute("aria-pressed", String(favourites.has(hanging)));
    thumbs.mark(hanging);
  }

  function draw() {
    thumbs.replace(favourites.all());
    empty.hidden = favourites.all().length > 0;
    mark();
  }

  button.addEventListener("click", () => {
    if (!hanging) return;
    if (!favourites.toggle(hanging)) show("This browser does not let pages store anything: kept until the page closes.");
    announce(favourites.has(hanging) ? "Kept" : "No longer kept");
    draw();
  });
  favourites.follow(draw);
  draw();

  return (face) => {
    hanging = face;
    thumbs.retryMissing();
    mark();
  };
}
