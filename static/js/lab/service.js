// What the lab asks of the training service.

import { ask, ServiceError } from "../shared/api.js";

/** Where the same is asked every few seconds, a late answer is none. */
const SHORT_PATIENCE_MS = 6_000;
const PAGE = 12;
const JSON_BODY = { "Content-Type": "application/json" };

/** Files are large. */
const FILE_PATIENCE_MS = 120_000;
/** Jobs in one answer, or in one deletion. */
export const MOST = 100;

/**
 * Start a job.
 * @param {object} body
 * @param {string} key the same key with the same body never starts a second job
 * @param {File} [file] of the points to be learnt, in place of the body's data
 * @returns {Promise<Job>}
 */
export function submit(body, key, file) {
	const headers = { "Idempotency-Key": key };
	if (file) {
		const form = new FormData();
		form.append("job", JSON.stringify({ ...body, data: undefined }));
		form.append("data", file);
		return json("/jobs", { method: "POST", headers, body: form }, FILE_PATIENCE_MS);
	}
	const sent = { method: "POST", headers: { ...headers, ...JSON_BODY }, body: JSON.stringify(body) };
	return json("/jobs", sent);
}

/** Ask what a file of points holds. @type {(file: File) => Promise<Preview>} */
export function lookAt(file) {
	const form = new FormData();
	form.append("data", file);
	return json("/jobs/data", { method: "POST", body: form }, FILE_PATIENCE_MS);
}

/**
 * Ask how large a run would be.
 * @param {object} body
 * @param {{rows: number, dimensions: number}} [own] of points that are not in the body
 * @returns {Promise<Estimate>}
 */
export function check(body, own) {
	const query = own ? `?rows=${own.rows}&dimensions=${own.dimensions}` : "";
	return json(`/jobs/check${query}`, { method: "POST", headers: JSON_BODY, body: JSON.stringify(body) });
}

/** The runs that are known to work. @returns {Promise<Preset[]>} */
export async function presets() {
	return (await json("/presets")).presets;
}

/** @typedef {{owner?: string, search?: string}} Which whose jobs, and words that occur in what they are called */

/**
 * List jobs, newest first.
 * @param {{after?: string | null, limit?: number, statuses?: readonly string[]} & Which} which after: `next` of the page
 *   before
 * @returns {Promise<JobPage>}
 */
export function list({ limit = PAGE, statuses = [], ...others }) {
	const query = new URLSearchParams(statuses.map((status) => ["status", status]));
	query.set("limit", String(limit));
	for (const [name, value] of Object.entries(others)) if (value) query.set(name, value);
	return json(`/jobs?${query}`, {}, SHORT_PATIENCE_MS);
}

/** Give the newest jobs. @type {(count: number, which: Which) => Promise<JobPage>} */
export async function newest(count, which) {
	const found = await list({ limit: Math.min(MOST, count), ...which });
	while (found.next && found.jobs.length < count) {
		const page = { after: found.next, limit: Math.min(MOST, count - found.jobs.length) };
		const { jobs, next } = await list({ ...page, ...which });
		found.jobs.push(...jobs);
		found.next = next;
	}
	return found;
}

/** @type {(id: string) => Promise<Job>} */
export const look = (id) => json(jobUrl(id), {}, SHORT_PATIENCE_MS);

/** @type {(id: string, action: string, body?: object) => Promise<Job>} */
export function act(id, action, body) {
	const sent = body && { headers: JSON_BODY, body: JSON.stringify(body) };
	return json(jobUrl(id, `/${action}`), { method: "POST", ...sent });
}

/** Give a job another name, or none. @type {(id: string, name: string | null) => Promise<Job>} */
export function rename(id, name) {
	const headers = { "Content-Type": "application/json" };
	return json(jobUrl(id), { method: "PATCH", headers, body: JSON.stringify({ name }) });
}

/** Delete up to 100 jobs, as far as they have ended; also while the page is being left. @param {string[]} ids */
export const deleteJobs = (ids) =>
	ask(`/jobs?${new URLSearchParams(ids.map((id) => ["id", id]))}`, { method: "DELETE", keepalive: true });

/** Points that the generator of a job makes. @type {(id: string, count: number) => Promise<number[][]>} */
export const samples = async (id, count) =>
	(await json(jobUrl(id, `/samples?format=json&seed=0&count=${count}`), { priority: "low" })).samples;

export const COMMAND = "/script?format=curl";

/** The same run as a command. @type {(id: string) => Promise<string>} */
export const command = async (id) => (await ask(jobUrl(id, COMMAND), { cache: "no-store" })).text();

/** @type {(id: string) => Promise<LossHistory>} */
export const history = (id) => json(jobUrl(id, "/history?format=json"));

/** @type {(id: string, after: number) => Promise<{events: {event: string, data: any}[], last: number, ended: boolean}>} */
export const eventsAfter = (id, after) =>
	json(jobUrl(id, `/events?after=${after}`), { headers: { Accept: "application/json" } });

/** @type {(id: string, rest?: string) => string} address of a job, or of something of it */
export const jobUrl = (id, rest = "") => `/jobs/${encodeURIComponent(id)}${rest}`;

/** Look a run up; undefined where it was deleted. @param {string} id */
export async function lookFor(id) {
	try {
		return await look(id);
	} catch (error) {
		if (!(error instanceof ServiceError) || error.status !== 404) throw error;
		return undefined;
	}
}

/** A key makes sure that a request which is sent twice starts one run. */
export function freshKey() {
	return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 * @param {number} [patience] milliseconds
 */
async function json(url, options, patience) {
	const answer = await ask(url, { cache: "no-store", ...options }, patience);
	try {
		return await answer.json();
	} catch {
		throw new ServiceError("The server sent something that is not an answer.", answer.status);
	}
}
