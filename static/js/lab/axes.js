// The plane that a picture shows: two coordinates, or the first two principal components.

export const PRINCIPAL = "principal";
/** Coordinates 0 and 1 are the place of a point, the next three its colour: red, green, blue. */
export const COLOURS = "colours";
/** The plane whose scores the service tells. */
export const SCORED = "0 1";
const MOST = 5;
const ROUNDS = 100;

/** @type {WeakMap<Real, {lines: Line[], variance: number}>} */
const known = new WeakMap();

/** The axes that a run offers, the usual ones first. @param {Real} real */
export function axesOf({ dimensions, points }) {
	const pairs = [SCORED];
	for (let j = 2; j < points.dimensions; j++) for (let i = 0; i < j; i++) pairs.push(`${i} ${j}`);
	if (dimensions < 3) return pairs;
	if (dimensions > MOST) return [PRINCIPAL, ...pairs];
	const coloured = dimensions === 5 && points.values.every((value, at) => at % 5 < 2 || (value >= 0 && value <= 1));
	return [...pairs, PRINCIPAL, ...(coloured ? [COLOURS] : [])];
}

/** The axes that are shown: the wanted ones, where a run has them. @type {(real: Real, wanted: string) => string} */
export function chosenAxes(real, wanted) {
	const offered = axesOf(real);
	return offered.includes(wanted) ? wanted : offered[0];
}

/** The two coordinates that axes are; principal components are none. @param {string} axes */
export const pairOf = (axes) => (axes === PRINCIPAL ? [] : (axes === COLOURS ? SCORED : axes).split(" ").map(Number));

/** The two coordinates in whose plane modes have circles, if they have. @type {(real: Real, axes: string) => number[]} */
export const circledPair = ({ modes }, axes) => (modes && pairOf(axes)[1] < modes[0].length ? pairOf(axes) : []);

/** @type {(real: Real, axes: string, width: number, height: number) => Plane} */
export function planeOf(real, axes, width, height) {
	const [across, up] = axes === PRINCIPAL ? principal(real).lines : pairOf(axes).map((axis) => lineOf(real, axis));
	const factors = [across.factors.map((one) => one * width), up.factors.map((one) => -one * height)];
	return { factors, origin: [across.origin * width, (1 - up.origin) * height] };
}

/** Project points. @type {(points: Points, factors: number[][], origin: number[]) => Float32Array} */
export function project({ count, dimensions, values }, factors, origin) {
	const found = new Float32Array(2 * count);
	for (let at = 0; at < found.length; at++) {
		const axis = factors[at % 2];
		const first = (at >> 1) * dimensions;
		found[at] = origin[at % 2];
		for (let k = 0; k < dimensions; k++) if (axis[k]) found[at] += axis[k] * values[first + k];
	}
	return found;
}

/** The axis of one coordinate; where points have none, it has no extent. @type {(real: Real, axis: number) => Line} */
function lineOf({ box }, axis) {
	const [low, high] = box[axis] ?? [0, 1];
	return { factors: box.map((_, k) => Number(k === axis) / (high - low)), origin: -low / (high - low) };
}

/** The two directions in which the real points vary most, and their share of the variance. @param {Real} real */
export function principal(real) {
	const found = known.get(real) ?? findPrincipal(real);
	known.set(real, found);
	return found;
}

/** Coordinates count as shares of their ranges, whatever their units. Both axes have one scale, and hold all ranges. */
/** @param {Real} real */
function findPrincipal(real) {
	const { count, dimensions, values } = real.points;
	const own = real.box.map((_, axis) => lineOf(real, axis));
	const apart = own.map(({ factors }, k) => {
		const shares = Array.from({ length: count }, (_, i) => factors[k] * values[i * dimensions + k]);
		const mean = sum(shares) / count;
		return shares.map((one) => one - mean);
	});
	const covariance = apart.map((one) => apart.map((other) => dot(one, other) / count));
	const first = direction(covariance, []);
	const both = [first, direction(covariance, first)];
	const reach = Math.max(...both.map((vector) => sum(vector.map(Math.abs))));
	const lines = both.map((vector) => ({
		factors: vector.map((one, k) => (one * own[k].factors[k]) / reach),
		origin: 0.5 + sum(vector.map((one, k) => one * (own[k].origin - 0.5))) / reach,
	}));
	const total = sum(covariance.map((row, k) => row[k])) || 1;
	return { lines, variance: sum(both.map((vector) => dot(vector, times(covariance, vector)))) / total };
}

/** The direction of the largest variance, orthogonal to another, by power iteration; its largest component is positive. */
/** @type {(covariance: number[][], other: number[]) => number[]} */
function direction(covariance, other) {
	let vector = covariance.map((_, k) => (other.length ? k + 1 : 1 / (k + 1)));
	for (let round = 0; round < ROUNDS; round++) {
		const next = round ? times(covariance, vector) : vector;
		const along = dot(other, next);
		const rest = next.map((one, k) => one - along * (other[k] ?? 0));
		const length = Math.hypot(...rest);
		if (length < 1e-12) break; // no variance is left
		vector = rest.map((one) => one / length);
	}
	const largest = vector.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most));
	return vector.map((one) => one * Math.sign(largest));
}

/** @type {(values: number[]) => number} */
const sum = (values) => values.reduce((total, one) => total + one, 0);

/** @type {(one: number[], other: number[]) => number} */
const dot = (one, other) => sum(one.map((value, k) => value * other[k]));

/** @type {(matrix: number[][], vector: number[]) => number[]} */
const times = (matrix, vector) => matrix.map((row) => dot(row, vector));
