// The service, as addresses and as answers. Every failure becomes a ServiceError whose message a person can read.

/** @typedef {import("./address.js").Face} Face */

const PATIENCE_MS = 15_000;

export const MORPH_STEPS = 33;
const STRIP_STEPS = 9;
const GIF_STEPS = 20;
const GIF_SIZE = 256;

/** A failure to say to the reader. */
export class ServiceError extends Error {}

/**
 * Address of a face.
 * @param {Face} face
 * @param {number} [size] width and height in pixels; 16 where not given
 * @returns {string}
 */
export function faceUrl(face, size) {
  const query = faceQuery({ seed: String(face.seed) }, face.truncation);
  if (size !== undefined) {
    query.set("size", String(size));
    query.set("resample", "nearest");
  }
  return `/sample?${query}`;
}

/**
 * Address of the frames of a morph, side by side, 16 pixels high.
 * @param {Face} from
 * @param {number} to seed
 * @returns {string}
 */
export function morphUrl(from, to) {
  return walkUrl(from, to, { steps: String(MORPH_STEPS) });
}

/**
 * Address of the few frames that are shown as a film strip.
 * @param {Face} from
 * @param {number} to seed
 * @returns {string}
 */
export function stripUrl(from, to) {
  return walkUrl(from, to, { steps: String(STRIP_STEPS) });
}

/**
 * Address of a morph as an animated GIF.
 * @param {Face} from
 * @param {number} to seed
 * @returns {string}
 */
export function gifUrl(from, to) {
  return walkUrl(from, to, { steps: String(GIF_STEPS), format: "gif", size: String(GIF_SIZE) });
}

/**
 * Address of the face that belongs to a string.
 * @param {string} name
 * @returns {string}
 * @throws {ServiceError} no address can carry the string
 */
export function avatarUrl(name) {
  try {
    return `/avatar/${encodeURIComponent(name)}.png`; // the ending is the format's, so that a name may have one too
  } catch {
    throw new ServiceError("This text has half a character in it; please type it anew.");
  }
}

/**
 * Ask the service.
 * @param {string} url
 * @returns {Promise<Response>} a successful answer
 * @throws {ServiceError}
 */
export async function ask(url) {
  let answer;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    throw new ServiceError(reasonOfSilence(error), { cause: error });
  }
  if (!answer.ok) throw new ServiceError(await refusal(answer));
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

/**
 * @param {Face} from
 * @param {number} to
 * @param {Record<string, string>} rest
 */
function walkUrl(from, to, rest) {
  const ends = { from: String(from.seed), to: String(to), path: "spherical" };
  return `/interpolate?${faceQuery({ ...ends, ...rest }, from.truncation)}`;
}

/**
 * @param {Record<string, string>} parts
 * @param {number} truncation
 */
function faceQuery(parts, truncation) {
  const query = new URLSearchParams(parts);
  if (truncation !== 1) query.set("truncation", String(truncation));
  return query;
}
