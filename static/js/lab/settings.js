// The settings of a run: as the values of a form, as an address, as the body of a request.

/** @typedef {import("./service.js").Job} Job */
/**
 * Settings by name, as texts; what is left out is as it is by default.
 * @typedef {Record<string, string>} Values
 */

/** The choice of data that stands for points which were sent with a run. */
export const OWN = "own";

const DATA_FIELDS = ["data", "size", "noise"];
const NUMBERS = [
  "seed",
  "size",
  "noise",
  "epochs",
  "steps_per_epoch",
  "batch_size",
  "learning_rate",
  "disc_iter",
  "lambda_gp",
  "clip",
];

/** Generators of the exercise, by the data; the others have as many coordinates as the circle. */
const SHAPES = new Map([
  ["four_clouds", "2, 10, 10, 5"],
  ["corner_cloud", "49, 98, 98, 49"],
]);
const PLANE = "1, 10, 10, 2";

/** Every setting that an address can carry. */
export const NAMES = ["model", "data", "gen_shape", "latent_type", "name", ...NUMBERS];

/**
 * Say which generator the service takes where none is given.
 * @param {string} data
 * @returns {string}
 */
export function usualShape(data) {
  return SHAPES.get(data) ?? PLANE;
}

/**
 * Make the body of the request that starts a run.
 * @param {Values} values
 * @returns {Record<string, any>}
 * @throws {SettingError} a text is not what it should be, or the points are not here
 */
export function bodyOf(values) {
  if (values.data === OWN)
    throw new SettingError(
      "data",
      "The own points of a run are not here: choose other data, or send their file again.",
    );
  /** @type {Record<string, any>} */
  const body = {};
  /** @type {Record<string, any>} */
  const data = {};
  for (const [name, text] of Object.entries(values)) {
    if (text.trim() === "") continue;
    const value = NUMBERS.includes(name) ? parseNumber(name, text) : name === "gen_shape" ? parseShape(text) : text;
    if (DATA_FIELDS.includes(name)) data[name === "data" ? "name" : name] = value;
    else body[name] = value;
  }
  return { ...body, data };
}

/**
 * Read the settings of a run that is there.
 * @param {Job} job
 * @returns {Values}
 */
export function valuesOf(job) {
  /** @type {Values} */
  const values = {};
  for (const name of NAMES) {
    const value =
      name === "data" ? job.data && (job.data.name ?? OWN) : DATA_FIELDS.includes(name) ? job.data?.[name] : job[name];
    if (value === null || value === undefined) continue;
    values[name] = Array.isArray(value) ? value.join(", ") : String(value);
  }
  if (values.data !== OWN && values.gen_shape === usualShape(values.data)) delete values.gen_shape;
  return values;
}

/** A setting that cannot be sent. */
export class SettingError extends Error {
  /**
   * @param {string} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/**
 * Find the setting that a complaint of the service is about.
 * @param {string} path such as `body.gen_shape.0`, or the text before a message's colon
 * @returns {string | undefined}
 */
export function settingOf(path) {
  if (path.includes("PointData")) return undefined; // the form sends no points
  const parts = path.split(/[^a-z_]+/);
  if (parts.includes("data"))
    return parts.includes("rows") ? "size" : (parts.find((part) => ["size", "noise"].includes(part)) ?? "data");
  return parts.find((part) => NAMES.includes(part));
}

/**
 * @param {string} field
 * @param {string} text
 */
function parseNumber(field, text) {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new SettingError(field, `Expected a number, got “${text}”.`);
  return value;
}

/** @param {string} text */
function parseShape(text) {
  const parts = text
    .replace(/^\s*\[|\]\s*$/g, "")
    .trim()
    .split(/[\s,;]+/);
  const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
  if (wrong !== undefined) {
    throw new SettingError(
      "gen_shape",
      `Expected whole numbers with commas, such as ${PLANE}, got “${wrong || text}”.`,
    );
  }
  return parts.map(Number);
}
