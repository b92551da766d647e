// The service and its answers. Every failure becomes a ServiceError whose message a person can read.

const PATIENCE_MS = 20_000;

/** @type {((reached: boolean) => void)[]} */
const followers = [];

/** Call back after every request: was the service reached, and able to? @param {(reached: boolean) => void} follower */
export function followService(follower) {
	followers.push(follower);
}

/** The service refused, or did not answer: then the status is 0. */
export class ServiceError extends Error {
	/** @param {{field: string, message: string}[]} errors */
	constructor(message = "", status = 0, errors = []) {
		super(message);
		this.status = status;
		this.errors = errors;
	}

	/** Whether the same request may succeed later: nobody answered, or a part of the service is away. */
	get passes() {
		return isAway(this.status);
	}
}

/** Whether a status says that nobody answered, or that who should is away; other faults stay until somebody mends them. */
const isAway = (status = 0) => [0, 502, 503, 504].includes(status);

/**
 * Ask the service, and give a successful answer.
 * @type {(url: string, options?: RequestInit, milliseconds?: number) => Promise<Response>}
 */
export async function ask(url, options, milliseconds = PATIENCE_MS) {
	let answer;
	try {
		answer = await fetch(url, { signal: AbortSignal.timeout(milliseconds), ...options });
	} catch (error) {
		tellFollowers(false);
		throw new ServiceError(reasonOfSilence(error));
	}
	tellFollowers(!isAway(answer.status));
	if (answer.ok) return answer;
	if (answer.status === 401) dispatchEvent(new Event("needs-key"));
	const problem = await answer.json().catch(() => null);
	const message = problem?.detail || problem?.title || `The server answered with an error (${answer.status}).`;
	throw new ServiceError(message, answer.status, Array.isArray(problem?.errors) ? problem.errors : []);
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
