// The settings of a run: as the values of a form, as an address, as the body of a request.

import { ServiceError } from "../shared/api.js";

/** The choice of data that stands for points which were sent with a run. */
export const OWN = "own";

const DATA_FIELDS = ["size", "noise"];
const NUMBERS = [
  ...DATA_FIELDS,
  ...["seed", "epochs", "steps_per_epoch", "batch_size", "learning_rate", "disc_iter", "lambda_gp", "clip"],
  ...["final_rate", "beta_1", "beta_2", "ema", "generator_gain", "critic_gain"],
];
/** Every setting that an address can carry. */
const NAMES = ["model", "data", "gen_shape", "latent_type", "critic_activation", "preset", "name", ...NUMBERS];

/** Generators of the exercise, by the data; the others have as many coordinates as the circle. */
const SHAPES = new Map([
  ["four_clouds", "2, 10, 10, 5"],
  ["corner_cloud", "49, 98, 98, 49"],
]);
const PLANE = "1, 10, 10, 2";

const JOB_ID = /^[0-9a-f]{16}$/;

/** @type {(data: string) => string} the generator that the service takes where none is given */
export const usualShape = (data) => SHAPES.get(data) ?? PLANE;

/** @type {(field: string, message: string) => ServiceError} a setting that cannot be sent */
export const settingError = (field, message) => new ServiceError(message, 422, [{ field, message }]);

/**
 * Make the body of the request that starts a run.
 * @param {Values} values
 * @throws {ServiceError} a text is not what it should be, or the points are not here
 */
export function bodyOf({ data: name, ...values }) {
  if (name === OWN) {
    throw settingError("data", "The own points of a run are not here: choose other data, or send their file again.");
  }
  /** @type {Record<string, unknown>} */
  const body = {};
  /** @type {Record<string, unknown>} */
  const data = { name };
  for (const [field, text] of Object.entries(values)) {
    if (text.trim() === "") continue;
    (DATA_FIELDS.includes(field) ? data : body)[field] = parse(field, text);
  }
  return { ...body, data };
}

/** Read the settings of a run that is there, or of a preset. @param {Pick<Job, "data"> & Record<string, unknown>} job */
export function valuesOf({ data, ...job }) {
  /** @type {Record<string, unknown>} */
  const known = { ...job, ...data, name: job.name, data: data && ("rows" in data ? OWN : data.name) };
  /** @type {Values} */
  const values = {};
  for (const name of NAMES) {
    const value = known[name];
    if (value === null || value === undefined) continue;
    values[name] = Array.isArray(value) ? value.join(", ") : String(value);
  }
  if (values.data !== OWN && values.gen_shape === usualShape(values.data)) delete values.gen_shape;
  return values;
}

/**
 * Read an address: ?model=wgan_gp&seed=7 for the settings that are not usual, &job=… for the run that is shown,
 * &with=… for those that it is compared with.
 * @param {string} search the part of the address from its question mark
 * @returns {{values: Values, job: string | null, others: string[]}}
 */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  const job = query.get("job");
  return {
    values: Object.fromEntries([...query].reverse().filter(([name]) => NAMES.includes(name))),
    job: job !== null && JOB_ID.test(job) ? job : null,
    others: [...new Set(query.get("with")?.split(","))].filter((id) => JOB_ID.test(id) && id !== job),
  };
}

/** Write the address of settings, of a run and of others. @type {(values: Values, ids: string[]) => string} */
export function writeAddress(values, [job, ...others]) {
  const query = new URLSearchParams(values);
  if (job) query.set("job", job);
  return (query.size ? `/lab?${query}` : "/lab") + (others.length ? `&with=${others}` : "");
}

/**
 * Find the setting that a complaint of the service is about.
 * @param {string} path such as `body.gen_shape.0`, or the text before a message's colon
 */
export function settingOf(path) {
  if (path.includes("PointData")) return undefined; // the form sends no points
  const parts = path.split(/[^a-z_]+/);
  if (!parts.includes("data")) return parts.find((part) => NAMES.includes(part));
  return parts.includes("rows") ? "size" : (parts.find((part) => DATA_FIELDS.includes(part)) ?? "data");
}

/** @type {(field: string, text: string) => unknown} */
function parse(field, text) {
  if (field === "gen_shape") return parseShape(text);
  if (!NUMBERS.includes(field)) return text;
  const value = Number(text);
  if (!Number.isFinite(value)) throw settingError(field, `Expected a number, got “${text}”.`);
  return value;
}

/** @param {string} text */
function parseShape(text) {
  const bare = text.replace(/^\s*\[|\]\s*$/g, "").trim();
  const parts = bare.split(/[\s,;]+/);
  const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
  if (wrong === undefined) return parts.map(Number);
  const message = `Expected whole numbers with commas, such as ${PLANE}, got “${wrong || text}”.`;
  throw settingError("gen_shape", message);
}
