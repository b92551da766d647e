// The page's address: ?model=wgan_gp&seed=7 for the settings that are not usual, &job=… for the run that is shown.

import { NAMES } from "./settings.js";

/** @typedef {import("./settings.js").Values} Values */

const ID = /^[0-9a-f]{16}$/;

/**
 * Read the settings and the run that an address names.
 * @param {string} search the part of the address from its question mark
 * @returns {{values: Values, job: string | null}}
 */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  /** @type {Values} */
  const values = {};
  for (const name of NAMES) {
    const text = query.get(name);
    if (text !== null) values[name] = text;
  }
  const job = query.get("job");
  return { values, job: job !== null && ID.test(job) ? job : null };
}

/**
 * Write the address of settings and of a run.
 * @param {Values} values
 * @param {string | null} job
 * @returns {string}
 */
export function writeAddress(values, job) {
  const query = new URLSearchParams(values);
  if (job !== null) query.set("job", job);
  return query.size ? `/lab?${query}` : "/lab";
}
