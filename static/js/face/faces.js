// What a face is, and where the service has pictures of it.

export const MAX_SEED = Number.MAX_SAFE_INTEGER;
/** The page draws its seeds below this: numbers that one can say aloud. */
const SAYABLE_SEEDS = 1_000_000;

export const MORPH_STEPS = 33;
const STRIP_STEPS = 9;
const GIF_STEPS = 20;
const GIF_SIZE = 256;

/** Of the weights that drew the face in the page. The browser keeps pictures whose address names them. */
const WEIGHTS = document.documentElement.dataset.weights ?? "";

/** @type {(a: Face, b: Face) => boolean} */
export function sameFace(a, b) {
	return a.seed === b.seed && a.truncation === b.truncation;
}

/** Draw an unpredictable seed. @param {number} [following] how many seeds after it are wanted too */
export function randomSeed(following = 0) {
	return Math.floor(Math.random() * (SAYABLE_SEEDS - following));
}

/** Write a seed for the eye, in groups of three digits. @param {number} seed */
export function readableSeed(seed) {
	return String(seed).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** @type {(face: Face) => string} address of the page with a face */
export const pageUrl = ({ seed, truncation }) => address("/", truncation, { seed });

/** @type {(face: Face) => string} address of a face, 16 pixels large */
export const faceUrl = ({ seed, truncation }) => address("/sample", truncation, { seed, weights: WEIGHTS });

/** @type {(face: Face, size: number) => string} address to give away: it names no weights, so it works for good */
export const portraitUrl = ({ seed, truncation }, size) =>
	address("/sample", truncation, { seed, size, resample: "nearest" });

/** @type {(first: Face, count: number) => string} address of faces side by side, whose seeds follow one by one */
export const sheetUrl = ({ seed, truncation }, count) =>
	address("/samples", truncation, { seed, count, columns: count, weights: WEIGHTS });

/** @type {(walk: Walk) => string} address of the frames of a morph, side by side */
export const morphUrl = (walk) => walkUrl(walk, { steps: MORPH_STEPS, weights: WEIGHTS });

/** @type {(walk: Walk) => string} address of a few frames, side by side */
export const stripUrl = (walk) => walkUrl(walk, { steps: STRIP_STEPS, weights: WEIGHTS });

/** @type {(walk: Walk) => string} address of an animated GIF, to give away */
export const gifUrl = (walk) => walkUrl(walk, { steps: GIF_STEPS, format: "gif", size: GIF_SIZE });

/** @type {(walk: Walk, rest: Record<string, string | number>) => string} */
function walkUrl({ from, to }, rest) {
	return address("/interpolate", from.truncation, { from: from.seed, to, path: "spherical", ...rest });
}

/** @type {(path: string, truncation: number, parts: Record<string, string | number>) => string} */
function address(path, truncation, parts) {
	const all = truncation === 1 ? parts : { ...parts, truncation };
	return `${path}?${new URLSearchParams(Object.entries(all).map(([name, value]) => [name, String(value)]))}`;
}
