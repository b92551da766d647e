// Seeds: whole numbers 0 … 2^53 − 1. A seed is the whole identity of a face.

export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/**
 * Draw an unpredictable seed.
 * @returns {number}
 */
export function randomSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
}

/**
 * Read a seed as a person wrote it.
 * @param {string} text
 * @returns {number | null} null when it is not a whole number 0 … 2^53 − 1
 */
export function parseSeed(text) {
  const seed = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return seed <= MAX_SEED ? seed : null;
}

/**
 * Write a seed for the eye, in groups of three digits.
 * @param {number} seed
 * @returns {string}
 */
export function readableSeed(seed) {
  return String(seed).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
