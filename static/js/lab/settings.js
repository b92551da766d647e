// The settings of a run: as the values of a form, as an address, as the body of a request.

import { ServiceError } from "../shared/api.js";
import { NUMBERS } from "./fields.js";

/** The choice of data that stands for points of one’s own. */
export const OWN = "own";

const DATA_FIELDS = ["size", "noise"];
/** What an address says about points of one’s own, see own.js. */
export const POINTS = ["points", "kept", "data_name"];
/** Every setting that an address can carry. */
const NAMES = [
	...["model", "data", "gen_shape", "latent_type", "critic_activation", "normalize", "preset", "name"],
	...POINTS,
	...NUMBERS,
];

/** Generators of the exercise, by the coordinates of a point. */
const SHAPES = new Map([
	[2, "1, 10, 10, 2"],
	[49, "49, 98, 98, 49"],
]);

const JOB_ID = /^[0-9a-f]{16}$/;

/** The generator that the service takes where none is given. @param {number} dimensions of the data */
const usualShape = (dimensions) => SHAPES.get(dimensions) ?? `2, 10, 10, ${dimensions}`;

/** @type {(field: string, message: string) => ServiceError} a setting that cannot be sent */
export const settingError = (field, message) => new ServiceError(message, 422, [{ field, message }]);

/**
 * Make the body of the request that starts a run.
 * @param {Values} values
 * @param {object} [own] the data where they are not toys: `{points}`, or `{job}` for those of that job
 * @throws {ServiceError} a text is not what it should be
 */
export function bodyOf({ data: name, ...values }, own) {
	/** @type {Record<string, unknown>} */
	const body = {};
	/** @type {Record<string, unknown>} */
	const data = { name };
	for (const [field, text] of Object.entries(values)) {
		if (text.trim() === "" || POINTS.includes(field)) continue;
		(DATA_FIELDS.includes(field) ? data : body)[field] = parse(field, text);
	}
	return { ...body, data: own ?? data };
}

/** Read the settings of a run that is there, or of a preset. @param {Pick<Job, "data"> & Record<string, unknown>} job */
export function valuesOf({ data, ...job }) {
	const own = data && "rows" in data ? { data: OWN, data_name: data.name } : { data: data?.name };
	/** @type {Record<string, unknown>} */
	const known = { ...job, ...data, name: job.name, ...own };
	/** @type {Values} */
	const values = {};
	for (const name of NAMES) {
		const value = known[name];
		if (value === null || value === undefined) continue;
		values[name] = Array.isArray(value) ? value.join(", ") : String(value);
	}
	const shape = /** @type {number[] | null} */ (job.gen_shape);
	if (shape && values.gen_shape === usualShape(shape[shape.length - 1])) delete values.gen_shape;
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
	const parts = path.split(/[^a-z_\d]+/);
	if (!parts.includes("data")) return parts.find((part) => NAMES.includes(part));
	return parts.includes("rows") ? "size" : (parts.find((part) => DATA_FIELDS.includes(part)) ?? "data");
}

/** @type {(field: string, text: string) => unknown} */
function parse(field, text) {
	if (field === "gen_shape") return parseShape(text);
	if (field === "normalize") return text === "true";
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
	const message = `Expected whole numbers with commas, such as ${usualShape(2)}, got “${wrong || text}”.`;
	throw settingError("gen_shape", message);
}
