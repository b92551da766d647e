// Passers-by: a wall of random faces that grows on demand.

import { byId } from "./dom.js";
import { announce } from "./notice.js";
import { randomSeed } from "./seeds.js";
import { Thumbs } from "./thumbs.js";

/** @typedef {import("./address.js").Face} Face */

const BATCH = 24;

/**
 * Fill the gallery.
 * @param {(face: Face) => void} onPick
 * @returns {(face: Face) => void} call it with the face that hangs: it is marked, and its truncation is the gallery's
 */
export function openGallery(onPick) {
  const thumbs = new Thumbs(byId("gallery", HTMLElement), onPick);
  /** @type {number[]} */
  const seeds = [];
  /** @type {Face | undefined} */
  let hanging;

  /** @param {number[]} some */
  const faces = (some) => some.map((seed) => ({ seed, truncation: hanging?.truncation ?? 1 }));

  function bringMore() {
    const others = Array.from({ length: BATCH }, randomSeed);
    seeds.push(...others);
    thumbs.append(faces(others));
  }

  byId("more", HTMLButtonElement).addEventListener("click", () => {
    bringMore();
    announce(`${BATCH} more people`);
  });

  return (face) => {
    const changed = hanging?.truncation !== face.truncation;
    hanging = face;
    if (seeds.length === 0) bringMore();
    else if (changed) thumbs.replace(faces(seeds));
    else thumbs.retryMissing();
    thumbs.mark(face);
  };
}
