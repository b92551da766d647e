// The faces that the reader keeps, in this browser's local storage.

import { sameFace } from "./address.js";
import { MAX_SEED } from "./seeds.js";

/** @typedef {import("./address.js").Face} Face */

const KEY = "nobody.kept";

let kept = read();

/**
 * List the kept faces, the latest first.
 * @returns {Face[]}
 */
export function all() {
  return kept;
}

/**
 * Say whether a face is kept.
 * @param {Face} face
 * @returns {boolean}
 */
export function has(face) {
  return kept.some((other) => sameFace(other, face));
}

/**
 * Keep a face, or let it go.
 * @param {Face} face
 * @returns {boolean} false where the browser does not let it be written: it is kept until the page closes
 */
export function toggle(face) {
  const others = kept.filter((other) => !sameFace(other, face));
  kept = has(face) ? others : [face, ...others];
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}

/**
 * Call back when another tab changed the kept faces.
 * @param {() => void} onChange
 */
export function follow(onChange) {
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    kept = read();
    onChange();
  });
}

/** @returns {Face[]} */
function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isFace) : [];
  } catch {
    return [];
  }
}

/**
 * @param {any} value
 * @returns {value is Face}
 */
function isFace(value) {
  const { seed, truncation } = value ?? {};
  return Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED && truncation >= 0 && truncation <= 1;
}
