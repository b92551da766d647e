// The service and its answers. Every failure becomes a ServiceError whose message a person can read.

const PATIENCE_MS = 15_000;

/** A failure to say to the reader. */
export class ServiceError extends Error {}

/**
 * Ask the service.
 * @param {string} url
 * @param {number} [patience] milliseconds
 * @returns {Promise<Response>} a successful answer
 * @throws {ServiceError}
 */
export async function ask(url, patience = PATIENCE_MS) {
  let answer;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(patience) });
  } catch (error) {
    throw new ServiceError(reasonOfSilence(error), { cause: error });
  }
  if (!answer.ok) throw new ServiceError(await refusal(answer), { cause: answer });
  return answer;
}

/** @param {unknown} error */
function reasonOfSilence(error) {
  if (error instanceof DOMException && error.name === "TimeoutError") return "The server takes too long to answer.";
  if (!navigator.onLine) return "You are offline. The faces come from the server.";
  return "The server cannot be reached.";
}

/** @param {Response} answer */
async function refusal(answer) {
  const problem = await answer.json().catch(() => null);
  return problem?.detail || problem?.title || `The server answered with an error (${answer.status}).`;
}
