// What a face is: its seed, how far it is from the average one, and where the service has pictures of it.

export const MAX_SEED = Number.MAX_SAFE_INTEGER;
// The page draws its seeds below this: numbers that one can say aloud.
const SAYABLE_SEEDS = 1_000_000;

export const MORPH_STEPS = 33;
const STRIP_STEPS = 9;
const GIF_STEPS = 20;
const GIF_SIZE = 256;

// Of the weights that drew the face in the page. Pictures whose address names them need not be asked for again.
const WEIGHTS = document.documentElement.dataset.weights ?? "";

/**
 * What makes a face: its seed, a whole number 0 … 2^53 − 1, and how far it is from the average one (0 … 1).
 * @typedef {{seed: number, truncation: number}} Face
 */

/**
 * Say whether two faces are the same.
 * @param {Face} a
 * @param {Face} b
 * @returns {boolean}
 */
export function sameFace(a, b) {
  return a.seed === b.seed && a.truncation === b.truncation;
}

/**
 * Draw an unpredictable seed.
 * @param {number} [following] how many seeds after it are wanted too
 * @returns {number}
 */
export function randomSeed(following = 0) {
  return Math.floor(Math.random() * (SAYABLE_SEEDS - following));
}

/**
 * Write a seed for the eye, in groups of three digits.
 * @param {number} seed
 * @returns {string}
 */
export function readableSeed(seed) {
  return String(seed).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/**
 * Address of the page with a face.
 * @param {Face} face
 * @returns {string}
 */
export function pageUrl(face) {
  return `/?${query({ seed: face.seed }, face.truncation)}`;
}

/**
 * Address of a face, 16 pixels large.
 * @param {Face} face
 * @returns {string}
 */
export function faceUrl(face) {
  return `/sample?${query({ seed: face.seed, weights: WEIGHTS }, face.truncation)}`;
}

/**
 * Address of a face to give away: it names no weights, so it works for good.
 * @param {Face} face
 * @param {number} size width and height in pixels
 * @returns {string}
 */
export function portraitUrl(face, size) {
  return `/sample?${query({ seed: face.seed, size, resample: "nearest" }, face.truncation)}`;
}

/**
 * Address of faces side by side, 16 pixels high: the seeds that follow the first one by one.
 * @param {Face} first
 * @param {number} count
 * @returns {string}
 */
export function sheetUrl(first, count) {
  return `/samples?${query({ seed: first.seed, count, columns: count, weights: WEIGHTS }, first.truncation)}`;
}

/**
 * Address of the frames of a morph, side by side, 16 pixels high.
 * @param {Face} from
 * @param {number} to seed
 * @returns {string}
 */
export function morphUrl(from, to) {
  return walkUrl(from, to, { steps: MORPH_STEPS, weights: WEIGHTS });
}

/**
 * Address of the few frames that are shown as a film strip.
 * @param {Face} from
 * @param {number} to seed
 * @returns {string}
 */
export function stripUrl(from, to) {
  return walkUrl(from, to, { steps: STRIP_STEPS, weights: WEIGHTS });
}

/**
 * Address of a morph as an animated GIF, to give away.
 * @param {Face} from
 * @param {number} to seed
 * @returns {string}
 */
export function gifUrl(from, to) {
  return walkUrl(from, to, { steps: GIF_STEPS, format: "gif", size: GIF_SIZE });
}

/**
 * @param {Face} from
 * @param {number} to
 * @param {Record<string, string | number>} rest
 */
function walkUrl(from, to, rest) {
  return `/interpolate?${query({ from: from.seed, to, path: "spherical", ...rest }, from.truncation)}`;
}

/**
 * @param {Record<string, string | number>} parts
 * @param {number} truncation
 */
function query(parts, truncation) {
  const all = truncation === 1 ? parts : { ...parts, truncation };
  return new URLSearchParams(Object.entries(all).map(([name, value]) => [name, String(value)]));
}
