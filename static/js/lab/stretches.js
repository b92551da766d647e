// Many values on few pixels, and round numbers beside them.

const ROOM = 0.08;
/** Of the values themselves: what differs by less is shown as a level line, beside numbers of few digits. */
const NARROWEST = 1e-3;

/** Gather the values of many steps into few stretches: the mean step of each, the mean of its values and their spread. */
/** @type {(steps: number[], values: number[], ends: Interval, most: number) => {at: number, mean: number, spread: number}[]} */
export function gather(steps, values, [first, last], most) {
	/** @type {{place: number, count: number, at: number, mean: number, variance: number}[]} */
	const found = [];
	for (let i = 0; i < values.length; i++) {
		const place = Math.min(most - 1, Math.floor(((steps[i] - first) / (last - first || 1)) * most));
		if (found.at(-1)?.place !== place) found.push({ place, count: 0, at: 0, mean: 0, variance: 0 });
		const stretch = found[found.length - 1];
		stretch.count += 1;
		// Running mean and variance (Welford).
		const ahead = values[i] - stretch.mean;
		stretch.at += (steps[i] - stretch.at) / stretch.count;
		stretch.mean += ahead / stretch.count;
		stretch.variance += (ahead * (values[i] - stretch.mean) - stretch.variance) / stretch.count;
	}
	return found.map(({ at, mean, variance }) => ({ at, mean, spread: Math.sqrt(variance) }));
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

/** Which values to show: all means, with some room. @type {(lines: {mean: number}[][]) => Interval} */
export function span(lines) {
	const [low, high] = extremes(lines.flat().map(({ mean }) => mean));
	if (low > high) return [0, 1]; // there are none
	const least = Math.max(Math.abs(low), Math.abs(high)) * NARROWEST || 1;
	const half = Math.max((high - low) * (0.5 + ROOM), least);
	const middle = low / 2 + high / 2;
	return [middle - half, middle + half];
}

/** Two to six round numbers for an axis. @type {(low: number, high: number) => number[]} */
export function ticks(low, high) {
	const rough = (high - low) / 5;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
	const first = Math.ceil(low / step);
	const amount = Math.floor(high / step) - first + 1;
	return Array.from({ length: Math.max(0, amount) }, (_, i) => Number(((first + i) * step).toPrecision(15)));
}
