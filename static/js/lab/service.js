// The training service. Every failure becomes a Refusal whose message a person can read.

import { ServiceError } from "../api.js";

/**
 * A job as the service describes it.
 * @typedef {Record<string, any> & {id: string, status: string, phase: string | null, step: number, steps: number}} Job
 */
/** @typedef {{jobs: Job[], next: string | null}} JobPage */
/** @typedef {{first_step: number, losses: Record<string, number[]>}} History */

const PATIENCE_MS = 20_000;
/** Where the same is asked every few seconds, an answer that is late is none. */
const SHORT_PATIENCE_MS = 6_000;
const PAGE = 12;

/** @type {((reached: boolean) => void)[]} */
const followers = [];

/**
 * Call back after every request: whether the service answered and was able to.
 * @param {(reached: boolean) => void} follower
 */
export function followService(follower) {
  followers.push(follower);
}

/** The service said no, or nothing. */
export class Refusal extends ServiceError {
  /**
   * @param {string} message
   * @param {number} [status] of HTTP; 0 where there was no answer
   * @param {{field: string, message: string}[]} [errors] by field
   */
  constructor(message, status = 0, errors = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }

  /** Whether another time may bring another answer: nobody answered, or a part of the service is away. */
  get passes() {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * Start a job.
 * @param {object} body
 * @param {string} key the same key with the same body never starts a second job
 * @returns {Promise<Job>}
 */
export function submit(body, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  return json("/jobs", { method: "POST", headers, body: JSON.stringify(body) });
}

/**
 * List jobs, newest first.
 * @param {{after?: string, limit?: number, statuses?: readonly string[]}} [which] after the `next` of the page before
 * @returns {Promise<JobPage>}
 */
export function list({ after, limit = PAGE, statuses = [] } = {}) {
  const query = new URLSearchParams(statuses.map((status) => ["status", status]));
  query.set("limit", String(limit));
  if (after) query.set("after", after);
  return json(`/jobs?${query}`, {}, SHORT_PATIENCE_MS);
}

/**
 * Look at a job.
 * @param {string} id
 * @returns {Promise<Job>}
 */
export function look(id) {
  return json(jobUrl(id), {}, SHORT_PATIENCE_MS);
}

/**
 * Ask something of a job.
 * @param {string} id
 * @param {"pause" | "resume" | "cancel"} wish
 * @returns {Promise<Job>}
 */
export function ask(id, wish) {
  return json(jobUrl(id, `/${wish}`), { method: "POST" });
}

/**
 * Forget a job that has ended.
 * @param {string} id
 * @returns {Promise<void>}
 */
export async function forget(id) {
  await call(jobUrl(id), { method: "DELETE" });
}

/**
 * Give the losses of every step.
 * @param {string} id
 * @returns {Promise<History>}
 */
export function history(id) {
  return json(jobUrl(id, "/history?format=json"));
}

/**
 * Give a file of a job.
 * @param {string} id
 * @param {string} rest of its address
 * @returns {Promise<Blob>}
 */
export async function file(id, rest) {
  return (await call(jobUrl(id, rest))).blob();
}

/**
 * Address of a job, or of something of it.
 * @param {string} id
 * @param {string} [rest]
 * @returns {string}
 */
export function jobUrl(id, rest = "") {
  return `/jobs/${encodeURIComponent(id)}${rest}`;
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 * @param {number} [patience] in milliseconds
 * @returns {Promise<any>}
 */
async function json(url, options, patience) {
  const answer = await call(url, options, patience);
  try {
    return await answer.json();
  } catch {
    throw new Refusal("The server sent something that is not an answer.", answer.status);
  }
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 * @param {number} [patience] in milliseconds
 */
async function call(url, options = {}, patience = PATIENCE_MS) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(patience), ...options });
  } catch (error) {
    tellFollowers(false);
    throw new Refusal(reasonOfSilence(error));
  }
  tellFollowers(answer.status < 500);
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** @param {boolean} reached */
function tellFollowers(reached) {
  for (const follower of followers) follower(reached);
}

/** @param {unknown} error */
function reasonOfSilence(error) {
  if (error instanceof DOMException && error.name === "TimeoutError") return "The server takes too long to answer.";
  return navigator.onLine ? "The server cannot be reached." : "You are offline. The training runs on the server.";
}

/** @param {Response} answer */
async function refusal(answer) {
  const problem = await answer.json().catch(() => null);
  const message = problem?.detail || problem?.title || `The server answered with an error (${answer.status}).`;
  return new Refusal(message, answer.status, Array.isArray(problem?.errors) ? problem.errors : []);
}
