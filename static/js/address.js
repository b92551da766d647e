// The page's own address: /?seed=123, and &truncation=0.5 where it is not 1.

import { MAX_SEED, parseSeed } from "./seeds.js";

/**
 * What makes a face: its seed, and how far it is from the average one (0 … 1).
 * @typedef {{seed: number, truncation: number}} Face
 */

/**
 * What an address says: seed is null where it names none, or none that there is; complaint says what is wrong with it.
 * @typedef {{seed: number | null, truncation: number, complaint: string}} Place
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
 * Read the face that an address names.
 * @param {string} search the part of the address from its question mark
 * @returns {Place}
 */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  const text = query.get("seed");
  const seed = text === null ? null : parseSeed(text);
  const truncation = parseTruncation(query.get("truncation"));
  const complaints = [];
  if (text !== null && seed === null) {
    complaints.push(`seed: expected a whole number 0 … ${MAX_SEED}, got “${text}”; here is someone else.`);
  }
  if (truncation === null) {
    complaints.push(`truncation: expected a number 0 … 1, got “${query.get("truncation")}”; 1 is used.`);
  }
  return { seed, truncation: truncation ?? 1, complaint: complaints.join(" ") };
}

/**
 * Write the address of a face.
 * @param {Face} face
 * @returns {string}
 */
export function writeAddress(face) {
  return face.truncation === 1 ? `/?seed=${face.seed}` : `/?seed=${face.seed}&truncation=${face.truncation}`;
}

/** @param {string | null} text */
function parseTruncation(text) {
  if (text === null) return 1;
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  return value <= 1 ? value : null;
}
