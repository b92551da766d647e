// The settings of a run: as the values of a form, as an address, as the body of a request.

import { ServiceError } from "../shared/api.js";
import { NUMBERS, USUAL } from "./fields.js";

/** The choice of data that stands for points of one’s own. */
export const OWN = "own";

const DATA_FIELDS = ["size", "noise"];
/** What an address says about points of one’s own, see own.js. */
export const POINTS = ["points", "kept", "data_name"];
/** Every setting that an address can carry. */
const NAMES = ["model", "data", "seed", "preset", ...Object.keys(USUAL), ...POINTS];

/** Generators of the exercise, by the coordinates of a point. @type {Record<string, string>} */
const SHAPES = { 2: "1, 10, 10, 2", 49: "49, 98, 98, 49" };

const JOB_ID = /^[0-9a-f]{16}$/;

/** @type {(field: string, message: string) => ServiceError} a setting that cannot be sent */
export const settingError = (field, message) => new ServiceError(message, 422, [{ field, message }]);

/**
 * Make the body of the request that starts a run; data of one’s own are `{points}`, or `{job}` for those of that job.
 * @type {(values: Values, own?: object) => object & {data: object}}
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
	const given = NAMES.filter((name) => known[name] !== null && known[name] !== undefined);
	/** @type {Values} */
	const values = Object.fromEntries(given.map((name) => [name, [known[name]].flat().join(", ")]));
	const dimensions = values.gen_shape?.split(", ").at(-1) ?? "";
	// What the service takes where none is given.
	if (values.gen_shape === (SHAPES[dimensions] ?? `2, 10, 10, ${dimensions}`)) delete values.gen_shape;
	return values;
}

/**
 * Read an address: ?model=wgan_gp&seed=7 for the settings that are not usual, &job=… for the run that is shown,
 * &with=… for those that it is compared with.
 * @type {(search: string) => {values: Values, job: string | null, others: string[]}}
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

/** The setting that a complaint is about. @param {string} path such as `body.gen_shape.0`, or the text before a colon */
export function settingOf(path) {
	const parts = path.split(/[^a-z_\d]+/);
	if (!parts.includes("data")) return parts.find((part) => NAMES.includes(part));
	return parts.includes("rows") ? "size" : (parts.find((part) => DATA_FIELDS.includes(part)) ?? "data");
}

/** @type {(field: string, text: string) => unknown} */
function parse(field, text) {
	if (field === "gen_shape") return parseShape(text);
	if (field === "normalize") return text === "true";
	return NUMBERS.includes(field) ? Number(text) : text;
}

/** @param {string} text */
function parseShape(text) {
	const bare = text.replace(/^\s*\[|\]\s*$/g, "").trim();
	const parts = bare.split(/[\s,;]+/);
	const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
	if (wrong === undefined) return parts.map(Number);
	throw settingError("gen_shape", `Expected whole numbers with commas, such as ${SHAPES[2]}, got “${wrong || text}”.`);
}
