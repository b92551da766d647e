// What the lab asks of the training service.

import { ask, ServiceError } from "../shared/api.js";

/** Where the same is asked every few seconds, a late answer is none. */
const SHORT_PATIENCE_MS = 6_000;
const PAGE = 12;
const JSON_BODY = { "Content-Type": "application/json" };

/** Files are large. */
const FILE_PATIENCE_MS = 120_000;

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

/**
 * List jobs, newest first.
 * @param {{after?: string | null, limit?: number, statuses?: readonly string[]}} which after: `next` of the page before
 * @returns {Promise<JobPage>}
 */
export function list({ after, limit = PAGE, statuses = [] }) {
  const query = new URLSearchParams(statuses.map((status) => ["status", status]));
  query.set("limit", String(limit));
  if (after) query.set("after", after);
  return json(`/jobs?${query}`, {}, SHORT_PATIENCE_MS);
}

/** @type {(id: string) => Promise<Job>} */
export const look = (id) => json(jobUrl(id), {}, SHORT_PATIENCE_MS);

/** @type {(id: string, action: string, body?: object) => Promise<Job>} */
export function act(id, action, body) {
  const sent = body && { headers: JSON_BODY, body: JSON.stringify(body) };
  return json(jobUrl(id, `/${action}`), { method: "POST", ...sent });
}

/** @type {(id: string) => Promise<unknown>} */
export const deleteJob = (id) => ask(jobUrl(id), { method: "DELETE" });

/** @type {(id: string) => Promise<LossHistory>} */
export const history = (id) => json(jobUrl(id, "/history?format=json"));

/** @type {(id: string, after: number) => Promise<{events: {event: string, data: any}[], last: number, ended: boolean}>} */
export const eventsAfter = (id, after) =>
  json(jobUrl(id, `/events?after=${after}`), { headers: { Accept: "application/json" } });

/** @type {(id: string, rest?: string) => string} address of a job, or of something of it */
export const jobUrl = (id, rest = "") => `/jobs/${encodeURIComponent(id)}${rest}`;

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
