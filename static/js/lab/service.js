// What the lab asks of the training service.

import { ask, ServiceError } from "../shared/api.js";

/** Where the same is asked every few seconds, a late answer is none. */
const SHORT_PATIENCE_MS = 6_000;
/** Files are large, and films are drawn in some seconds. */
export const FILE_PATIENCE_MS = 120_000;
/** Jobs in one answer, or in one deletion. */
export const MOST = 100;

/** @type {((id: string, job: Job | undefined) => void)[]} */
const followers = [];
/** The last request to start a job: asked for again, as no answer came, it has the same key, and starts one job. */
let request = { text: "", key: "" };

/** Call back with all that becomes known of a job, whoever asked; undefined: it was deleted. */
/** @param {typeof followers[0]} follower */
export function followJobs(follower) {
	followers.push(follower);
}

/** @type {(id: string, job: Job | undefined) => void} */
export function tell(id, job) {
	for (const follower of followers) follower(id, job);
}

/** @type {(...of: Parameters<typeof json>) => Promise<Job>} */
async function askAndTell(...of) {
	const job = await json(...of);
	tell(job.id, job);
	return job;
}

/** @type {Service["submit"]} */
export async function submit(body, file, key) {
	const text = JSON.stringify([body, file?.name, file?.size, file?.lastModified]);
	if (text !== request.text) request = { text, key: freshKey() };
	const headers = { "Idempotency-Key": key ?? request.key };
	const job = await (file
		? askAndTell("/jobs", { method: "POST", headers, body: formOf(file, body) }, FILE_PATIENCE_MS)
		: askAndTell("/jobs", sending("POST", body, headers)));
	request.text = "";
	return job;
}

/** @type {Service["lookAt"]} */
export const lookAt = (file) => json("/jobs/data", { method: "POST", body: formOf(file) }, FILE_PATIENCE_MS);

/** @type {Service["check"]} */
export const check = (body, own) =>
	json(`/jobs/check${own ? `?rows=${own.rows}&dimensions=${own.dimensions}` : ""}`, sending("POST", body));

/** @type {Service["presets"]} */
export const presets = async () => (await json("/presets")).presets;

/** @type {Service["list"]} */
export function list({ limit, statuses = [], ...others }) {
	const query = new URLSearchParams([["limit", String(limit)], ...statuses.map((status) => ["status", status])]);
	for (const [name, value] of Object.entries(others)) if (value) query.set(name, value);
	return json(`/jobs?${query}`, {}, SHORT_PATIENCE_MS);
}

/** @type {Service["newest"]} */
export async function newest(count, which) {
	/** @type {JobPage} */
	const found = { jobs: [], next: null };
	do {
		const limit = Math.min(MOST, count - found.jobs.length);
		const { jobs, next } = await list({ ...which, after: found.next, limit });
		found.jobs.push(...jobs);
		found.next = next;
	} while (found.next && found.jobs.length < count);
	return found;
}

/** @type {Service["lookFor"]} */
export async function lookFor(id) {
	try {
		return await askAndTell(jobUrl(id), {}, SHORT_PATIENCE_MS);
	} catch (error) {
		if (!(error instanceof ServiceError) || error.status !== 404) throw error;
		tell(id, undefined);
		return undefined;
	}
}

/** @type {Service["act"]} */
export const act = (id, action, body = {}) => askAndTell(jobUrl(id, `/${action}`), sending("POST", body));

/** @type {Service["rename"]} */
export const rename = (id, name) => askAndTell(jobUrl(id), sending("PATCH", { name }));

/** @type {Service["deleteJobs"]} */
export const deleteJobs = (ids) =>
	// Kept alive: also while the page is being left.
	ask(`/jobs?${new URLSearchParams(ids.map((id) => ["id", id]))}`, { method: "DELETE", keepalive: true });

/** @type {Service["samples"]} */
export const samples = async (id, count) =>
	(await json(jobUrl(id, `/samples?format=json&seed=0&count=${count}`), { priority: "low" })).samples;

/** @type {Service["history"]} */
export const history = (id) => json(jobUrl(id, "/history?format=json"));

/** @type {Service["eventsAfter"]} */
export const eventsAfter = (id, after) =>
	json(jobUrl(id, `/events?after=${after}`), { headers: { Accept: "application/json" } });

/** The address of a job, or of something of it. @param {string} id */
export const jobUrl = (id, rest = "") => `/jobs/${id}${rest}`;

/** 32 random hexadecimal digits. */
export const freshKey = () =>
	Array.from(crypto.getRandomValues(new Uint8Array(16)), (part) => part.toString(16).padStart(2, "0")).join("");

/** @type {(method: string, body: object, headers?: Record<string, string>) => RequestInit} */
const sending = (method, body, headers) => ({
	method,
	headers: { "Content-Type": "application/json", ...headers },
	body: JSON.stringify(body),
});

/** @type {(file: File, body?: object) => FormData} */
function formOf(file, body) {
	const form = new FormData();
	if (body) form.append("job", JSON.stringify({ ...body, data: undefined }));
	form.append("data", file);
	return form;
}

/** @type {(url: string, options?: RequestInit, patience?: number) => Promise<any>} patience in milliseconds */
async function json(url, options, patience) {
	const answer = await ask(url, { cache: "no-store", ...options }, patience);
	try {
		return await answer.json();
	} catch {
		throw new ServiceError("The server sent something that is not an answer.", answer.status);
	}
}
