// Many values on few pixels, and round numbers beside them.

/**
 * Stretches of steps, each with its mean step, and the mean of its values and their standard deviation.
 * @typedef {{at: Float64Array, mean: Float64Array, spread: Float64Array, length: number}} Stretches
 */

const ROOM = 0.08;
/** Of the values themselves: what differs by less is shown as a level line, beside numbers of few digits. */
const NARROWEST = 1e-3;

/**
 * Gather the values of many steps into few stretches.
 * @param {number[]} steps
 * @param {number[]} values
 * @param {Interval} range first and last step of all
 * @param {number} stretches how many at most
 * @returns {Stretches}
 */
export function gather(steps, values, [first, last], stretches) {
	const make = () => new Float64Array(stretches);
	const found = { at: make(), mean: make(), spread: make(), length: 0 };
	let current = -1;
	let amount = 0;
	for (let i = 0; i < values.length; i++) {
		const stretch = Math.min(stretches - 1, Math.floor(((steps[i] - first) / (last - first || 1)) * stretches));
		if (stretch !== current) {
			current = stretch;
			amount = 0;
			found.length += 1;
		}
		const k = found.length - 1;
		amount += 1;
		// Running mean and variance (Welford).
		const ahead = values[i] - found.mean[k];
		found.at[k] += (steps[i] - found.at[k]) / amount;
		found.mean[k] += ahead / amount;
		found.spread[k] += (ahead * (values[i] - found.mean[k]) - found.spread[k]) / amount;
	}
	for (let k = 0; k < found.length; k++) found.spread[k] = Math.sqrt(found.spread[k]);
	return found;
}

/** The lowest and the highest of many values. @type {(values: Iterable<number>) => Interval} */
export function extremes(values) {
	let [low, high] = [Infinity, -Infinity];
	for (const value of values) {
		low = Math.min(low, value);
		high = Math.max(high, value);
	}
	return [low, high];
}

/** Say which values to show: all means, with some room. @type {(lines: Stretches[]) => Interval} */
export function span(lines) {
	const [low, high] = extremes(lines.flatMap(({ mean, length }) => [...mean.subarray(0, length)]));
	if (low > high) return [0, 1]; // there are none
	const least = Math.max(Math.abs(low), Math.abs(high)) * NARROWEST || 1;
	const half = Math.max((high - low) * (0.5 + ROOM), least);
	const middle = low / 2 + high / 2;
	return [middle - half, middle + half];
}

/**
 * Choose round numbers for an axis.
 * @param {number} low
 * @param {number} high
 * @returns {number[]} two to six
 */
export function ticks(low, high) {
	const rough = (high - low) / 5;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
	const first = Math.ceil(low / step);
	const amount = Math.floor(high / step) - first + 1;
	return Array.from({ length: Math.max(0, amount) }, (_, i) => Number(((first + i) * step).toPrecision(15)));
}
