// Names, numbers and times as they are read.

/** @typedef {import("./service.js").Job} Job */

/** The GANs under the exercise's names, and what is special about each. */
export const MODELS = new Map([
  ["simple_gan", { name: "Simple_GAN", help: "Least squares: real points should score 1, generated ones −1." }],
  ["wgan_clip", { name: "WGAN_clip", help: "Wasserstein: the critic’s weights are clipped to keep it smooth." }],
  ["wgan_gp", { name: "WGAN_GP", help: "Wasserstein: a penalty on the critic’s gradient keeps it smooth." }],
]);

/** The toy data, in the order in which they are offered. */
export const DATA = new Map([
  ["circle", "circle"],
  ["four_clouds", "four clouds"],
  ["ring8", "ring of 8"],
  ["grid25", "grid of 25"],
  ["swiss_roll", "Swiss roll"],
  ["moons", "moons"],
  ["corner_cloud", "corner cloud"],
]);

const LOSSES = new Map([
  ["discr_loss", "discriminator"],
  ["gen_loss", "generator"],
  ["gp", "penalty"],
]);

const ENDED = ["succeeded", "failed", "cancelled"];

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/**
 * Say whether a job with this status has come to its end.
 * @param {string} status
 * @returns {boolean}
 */
export function hasEnded(status) {
  return ENDED.includes(status);
}

/**
 * Name the GAN of a job.
 * @param {Job} job
 * @returns {string}
 */
export function modelName(job) {
  return MODELS.get(job.model)?.name ?? job.model ?? "unreadable run"; // null where what is stored cannot be read
}

/**
 * Name the data of a job.
 * @param {Job} job
 * @returns {string}
 */
export function dataName(job) {
  const { name, rows } = job.data ?? {};
  if (!name && !rows) return "unknown data";
  return name ? (DATA.get(name) ?? name) : `${count(rows ?? 0)} points of its own`;
}

/**
 * Name a loss.
 * @param {string} key
 * @returns {string}
 */
export function lossName(key) {
  return LOSSES.get(key) ?? key.replaceAll("_", " ");
}

/**
 * Write a whole number.
 * @param {number} value
 * @returns {string}
 */
export function count(value) {
  return whole.format(value).replaceAll(",", "\u202f");
}

/**
 * Write a number with a few digits that matter.
 * @param {number} value
 * @returns {string}
 */
export function number(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1000 || size < 0.001 ? value.toExponential(1) : value.toPrecision(3);
  return minus(text.replace(/e\+?/, "e"));
}

/**
 * Write a number with the same digits each time, so that a changing one keeps its place.
 * @param {number} value
 * @param {number} digits behind the point
 * @returns {string}
 */
export function steady(value, digits) {
  return minus(value.toFixed(digits));
}

/**
 * Write a round number with as few digits as it has.
 * @param {number} value
 * @returns {string}
 */
export function short(value) {
  const size = Math.abs(value);
  return minus(size >= 10_000 || (size > 0 && size < 0.001) ? value.toExponential().replace("e+", "e") : String(value));
}

/**
 * Write a time span.
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
  const all = Math.max(1, Math.ceil(seconds));
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} min ${all % 60} s`;
  return `${Math.floor(all / 3600)} h ${Math.round((all % 3600) / 60)} min`;
}

/** @param {string} text */
function minus(text) {
  return text.replaceAll("-", "−");
}
