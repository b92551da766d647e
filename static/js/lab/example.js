// What moves before anything was started: a run that was recorded and comes with the page.

import { Run } from "./run.js";

const RECORDED = "/static/ring8.json.gz";

/** Bring the recorded run, unless the browser cannot unpack it. See tests/e2e/record_example.py. */
export async function bringExample() {
	const answer = await fetch(RECORDED).catch(() => undefined);
	if (!answer?.ok || !answer.body || !("DecompressionStream" in globalThis)) return undefined;
	const { job, real, snapshots, units, levels, side } = await new Response(
		answer.body.pipeThrough(new DecompressionStream("gzip")),
	).json();
	const run = new Run(job);
	run.hear("data", { ...real, real: rows(real.real, 2, units) });
	/** @type {[made: number[], landscape: number[]]} */
	let [made, landscape] = [[], []];
	for (const { points, scores, low, high, ...snapshot } of snapshots) {
		made = sum(points, made);
		landscape = sum(scores, landscape);
		run.hear("snapshot", {
			...snapshot,
			generated: rows(made, 2, units),
			scores: rows(landscape, side, levels / (high - low), low),
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
