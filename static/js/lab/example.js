// What moves before anything was started: a run that was recorded and comes with the page.

import { Run } from "./run.js";

const RECORDED = "/static/ring8.json.gz";

/**
 * Bring the recorded run: whole numbers, each picture as what has changed since the one before.
 * @returns {Promise<Run | undefined>} undefined where the browser cannot unpack it
 */
export async function bringExample() {
	const answer = await fetch(RECORDED).catch(() => undefined);
	if (!answer?.ok || !answer.body || !("DecompressionStream" in globalThis)) return undefined;
	const { job, real, steps, figures, points, scores, units, levels, ranges } = await new Response(
		answer.body.pipeThrough(new DecompressionStream("gzip")),
	).json();
	const run = new Run({ ...job, id: "", status: "example", phase: null, warnings: {}, first_step: 0, step: job.steps });
	run.hear("data", { ...real, real: rows(real.real, 2, units) });
	const [made, landscape] = [points[0].map(() => 0), scores[0].map(() => 0)];
	for (const [i, step] of steps.entries()) {
		add(made, points[i]);
		add(landscape, scores[i]);
		const { covered, ...others } = figures[i];
		const [low, high] = ranges[i];
		run.hear("snapshot", {
			step,
			generated: rows(made, 2, units),
			scores: rows(landscape, Math.sqrt(landscape.length), levels / (high - low), low),
			figures: others,
			covered,
		});
	}
	return run;
}

/** @type {(sums: number[], changes: number[]) => void} */
function add(sums, changes) {
	for (const [i, change] of changes.entries()) sums[i] += change;
}

/** @type {(numbers: number[], columns: number, unit: number, low?: number) => number[][]} */
function rows(numbers, columns, unit, low = 0) {
	return Array.from({ length: numbers.length / columns }, (_, i) =>
		numbers.slice(i * columns, (i + 1) * columns).map((number) => low + number / unit),
	);
}
