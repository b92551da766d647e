// The service and its answers. Every failure becomes a ServiceError whose message a person can read.

const PATIENCE_MS = 20_000;

/** @type {((reached: boolean) => void)[]} */
const followers = [];

/**
 * Call back after every request: whether the service answered and was able to.
 * @param {(reached: boolean) => void} follower
 */
export function followService(follower) {
	followers.push(follower);
}

/** The service refused, or did not answer. */
export class ServiceError extends Error {
	/**
	 * @param {string} message for the reader
	 * @param {number} [status] of HTTP; 0 where there was no answer
	 * @param {{field: string, message: string}[]} [errors] by field
	 */
	constructor(message, status = 0, errors = []) {
		super(message);
		this.status = status;
		this.errors = errors;
	}

	/** Whether the same request may succeed later: nobody answered, or a part of the service is away. */
	get passes() {
		return this.status === 0 || this.status >= 500;
	}
}

/**
 * Ask the service.
 * @param {string} url
 * @param {RequestInit} [options]
 * @param {number} [patience] milliseconds
 * @returns {Promise<Response>} a successful answer
 * @throws {ServiceError}
 */
export async function ask(url, options = {}, patience = PATIENCE_MS) {
	let answer;
	try {
		answer = await fetch(url, { signal: AbortSignal.timeout(patience), ...options });
	} catch (error) {
		tellFollowers(false);
		throw new ServiceError(reasonOfSilence(error));
	}
	tellFollowers(answer.status < 500);
	if (answer.status === 401) dispatchEvent(new Event("needs-key"));
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
	if (!navigator.onLine) return "You are offline. Faces and trainings come from the server.";
	return "The server cannot be reached.";
}

/** @param {Response} answer */
async function refusal(answer) {
	const problem = await answer.json().catch(() => null);
	const message = problem?.detail || problem?.title || `The server answered with an error (${answer.status}).`;
	return new ServiceError(message, answer.status, Array.isArray(problem?.errors) ? problem.errors : []);
}
