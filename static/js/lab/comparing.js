// What tells runs apart: their settings, and their figures.

import { figuresOf, labelOf, written } from "./report.js";
import { valuesOf } from "./settings.js";
import { count, dataName, modelName, span, steady } from "./words.js";

/** @typedef {{label: string, cells: {text: string, best: boolean}[]}} Row */

/** Settings that only one GAN has. @type {Record<string, string>} */
export const OWNERS = { lambda_gp: "wgan_gp", clip: "wgan_clip" };
/** Settings that say themselves what they are. */
export const BARE = ["model", "data", "fork"];
/** Figures of which more is better; of all others, less. */
const HIGHER = ["modes_fairly_covered", "modes_covered", "high_quality"];

/**
 * Find the settings in which runs differ.
 * @param {Job[]} jobs
 * @returns {{label: string, value: string}[][]} of each
 */
export function differences(jobs) {
	const all = jobs.map(settingsOf);
	const differing = [...new Set(all.flatMap(Object.keys))].filter((name) => {
		const values = all.map((settings) => settings[name]);
		return new Set(name in OWNERS ? values.filter(Boolean) : values).size > 1;
	});
	return all.map((settings) =>
		differing
			.filter((name) => settings[name] || !(["fork", "size"].includes(name) || name in OWNERS))
			.map((name) => ({ label: BARE.includes(name) ? "" : labelFor(name), value: settings[name] ?? "as usual" })),
	);
}

/** What the form has a label for is a setting. @type {(job: Job) => Record<string, string>} */
export function settingsOf(job) {
	const fork = job.parent && { fork: `fork at step ${count(job.parent.step)}` };
	const shape = String(job.gen_shape).replaceAll(",", ", ");
	const all = {
		...valuesOf(job),
		...fork,
		model: modelName(job),
		data: dataName(job),
		gen_shape: shape,
		name: "",
		data_name: "",
	};
	const kept = Object.entries(all).filter(
		([name]) => BARE.includes(name) || (labelFor(name) && (OWNERS[name] ?? job.model) === job.model),
	);
	return Object.fromEntries(kept);
}

/** @param {string} name */
export const labelFor = (name) => document.querySelector(`label[for="${name}"]`)?.textContent?.split(",")[0] ?? "";

/** The figures of several runs side by side. @type {(runs: Run[], frames: (Frame | undefined)[]) => Row[]} */
export function tableOf(runs, frames) {
	const figures = frames.map((frame) => new Map(figuresOf(frame)));
	const names = [...new Set(figures.flatMap((all) => [...all.keys()]))];
	const [data] = new Set(runs.map(({ job }) => JSON.stringify(job.data)));
	const comparable = runs.every(({ job }) => JSON.stringify(job.data) === data);
	const rows = names.map((name) => {
		const values = figures.map((all) => all.get(name) ?? null);
		const best = comparable ? bestOf(values, HIGHER.includes(name)) : undefined;
		return {
			label: labelOf(name),
			cells: runs.map((run, i) => cell(values[i], best, (value) => written(run, name, value))),
		};
	});
	// Seconds tell more than the length only where the runs are equally long.
	const lengths = new Set(runs.map(({ job, ended }) => (ended ? job.step - job.first_step : NaN)));
	const seconds = runs.map(({ job }) => job.seconds || null);
	const fastest = lengths.size === 1 && !lengths.has(NaN) ? bestOf(seconds, false) : undefined;
	return [
		...rows,
		{ label: "steps trained", cells: runs.map(({ step }) => cell(step, undefined, count)) },
		{ label: "time", cells: seconds.map((value) => cell(value, fastest, duration)) },
	];
}

/** @type {(value: number | null, best: number | undefined, write: (value: number) => string) => Row["cells"][0]} */
const cell = (value, best, write) => ({ text: value === null ? "–" : write(value), best: value === best });

/** @param {number} seconds */
const duration = (seconds) => (seconds < 60 ? `${steady(seconds, 1)} s` : span(seconds));

/** The best of several values; undefined where there is none that is better than another. */
/** @type {(values: (number | null)[], higher: boolean) => number | undefined} */
function bestOf(values, higher) {
	const known = values.filter((value) => value !== null);
	if (new Set(known).size < 2) return undefined;
	return higher ? Math.max(...known) : Math.min(...known);
}
