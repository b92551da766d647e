// What a face is, and where the service has pictures of it.

import { byId } from "../shared/dom.js";

export const MAX_SEED = Number.MAX_SAFE_INTEGER;
/** The page draws its seeds below this: numbers that one can say aloud. */
const SAYABLE_SEEDS = 1_000_000;

export const MORPH_STEPS = 33;

/** Of the weights that drew the face in the page. The browser keeps pictures whose address names them. */
const { weights = "" } = byId("portrait").dataset;

/** @type {(a: Face, b: Face) => boolean} */
export const sameFace = (a, b) => a.seed === b.seed && a.truncation === b.truncation;

/** Draw a seed that, like so many that follow it, can be said aloud. */
export const randomSeed = (following = 0) => Math.floor(Math.random() * (SAYABLE_SEEDS - following));

/** @type {(seed: number) => string} in groups of three digits */
export const readableSeed = (seed) => String(seed).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** @type {Addresses} */
export const addressOf = {
	page: (face) => address("/", face),
	face: (face) => address("/sample", { ...face, weights }),
	portrait: (face, size) => address("/sample", { ...face, size, resample: "nearest" }),
	sheet: (first, count) => address("/samples", { ...first, count, columns: count, weights }),
	walk: (walk, steps) => interpolation(walk, { steps, weights }),
	gif: (walk) => interpolation(walk, { steps: 20, format: "gif", size: 256 }),
};

/** @type {(walk: Walk, rest: object) => string} */
const interpolation = ({ from: { seed, truncation }, to }, rest) =>
	address("/interpolate", { from: seed, to, truncation, path: "spherical", ...rest });

/** @type {(path: string, query: Record<string, any>) => string} */
const address = (path, { truncation, ...others }) =>
	`${path}?${new URLSearchParams(truncation === 1 ? others : { ...others, truncation })}`;
