// What moves before anything was started: a run that was recorded and comes with the page.

import { Run } from "./run.js";

const RECORDED = "/static/ring8.json.gz";

/** Bring the recorded run, unless the browser cannot unpack it. See tests/e2e/record_example.py. */
export async function bringExample() {
	const answer = await fetch(RECORDED).catch(() => undefined);
	if (!answer?.ok || !answer.body || !("DecompressionStream" in globalThis)) return undefined;
	const { job, real, steps, figures, points, scores, units, levels, ranges } = await new Response(
		answer.body.pipeThrough(new DecompressionStream("gzip")),
	).json();
	const run = new Run({ ...job, id: "", status: "example", phase: null, warnings: {}, first_step: 0, step: job.steps });
	run.hear("data", { ...real, real: rows(real.real, 2, units) });
	/** @type {[made: number[], landscape: number[]]} */
	let [made, landscape] = [[], []];
	for (const [i, step] of steps.entries()) {
		made = sum(points[i], made);
		landscape = sum(scores[i], landscape);
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

/** @type {(changes: number[], before: number[]) => number[]} */
const sum = (changes, before) => changes.map((change, i) => change + (before[i] ?? 0));

/** @type {(numbers: number[], columns: number, unit: number, low?: number) => number[][]} */
const rows = (numbers, columns, unit, low = 0) =>
	Array.from({ length: numbers.length / columns }, (_, i) =>
		numbers.slice(i * columns, (i + 1) * columns).map((number) => low + number / unit),
	);
