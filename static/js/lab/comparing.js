// What tells runs apart: their settings, and their figures.

import { USUAL } from "./fields.js";
import { figuresOf } from "./report.js";
import { valuesOf } from "./settings.js";
import { storyOf } from "./stories.js";
import { count, dataName, modelName, span, steady } from "./words.js";

/** @typedef {{label: string, cells: {text: string, best: boolean}[]}} Row */

/** Settings that only one GAN has. @type {Record<string, string>} */
export const OWNERS = { lambda_gp: "wgan_gp", clip: "wgan_clip" };
/** Settings that say themselves what they are; titles have the first two, unless the run has a name. */
const BARE = ["model", "data", "fork"];
const IN_TITLE = BARE.slice(0, 2);
/** Neighbours in the list that differ in more settings are too different to be compared. */
const MOST = 3;
/** Figures of which more is better; of all others, less. */
const HIGHER = ["modes_fairly_covered", "modes_covered", "high_quality"];

/** The settings of runs, and the names of those in which they differ. @param {Job[]} jobs */
function settingsOfAll(jobs) {
	const all = jobs.map(settingsOf);
	const names = [...new Set(all.flatMap(Object.keys))];
	const differing = names.filter((name) => {
		const values = all.map((settings) => settings[name]);
		return new Set(name in OWNERS ? values.filter(Boolean) : values).size > 1;
	});
	return { all, names, differing };
}

/** The settings in which runs differ, of each run. @param {Job[]} jobs */
export function differences(jobs) {
	const { all, differing } = settingsOfAll(jobs);
	return all.map((settings) =>
		differing
			.filter((name) => settings[name] || !(["fork", "size"].includes(name) || name in OWNERS))
			.map((name) => ({ label: BARE.includes(name) ? "" : labelFor(name), value: settings[name] ?? "as usual" })),
	);
}

/** What is special about a run: what is unusual, and in what it differs from the run below it in the list. */
/** @type {(job: Job, below?: Job) => {text: string, differs: boolean}[]} */
export function factsOf(job, below = job) {
	const { all, names, differing } = settingsOfAll([job, below]);
	const [own] = all;
	const story = storyOf(job)?.job;
	/** @type {Record<string, string | undefined>} */
	const usual = { ...USUAL, ...(story && valuesOf(story)), seed: undefined };
	if (!valuesOf(job).gen_shape) usual.gen_shape = own.gen_shape; // that of the exercise for such data
	const facts = names
		.filter((name) => job.name || !IN_TITLE.includes(name))
		.map((name) => ({
			text: BARE.includes(name) ? (own[name] ?? "") : `${labelFor(name).toLowerCase()} ${own[name] || "as usual"}`,
			differs: differing.length <= MOST && differing.includes(name),
			unusual: (own[name] || usual[name]) !== usual[name],
		}))
		.filter(({ text, differs, unusual }) => text && (differs || unusual));
	return job.preset ? [{ text: `preset ${job.preset}`, differs: false }, ...facts] : facts;
}

/** What the form has a label for is a setting. @type {(job: Job) => Record<string, string>} */
function settingsOf(job) {
	const { name, data_name, ...values } = valuesOf(job);
	const all = {
		...values,
		...(job.parent && { fork: `fork at step ${count(job.parent.step)}` }),
		model: modelName(job),
		data: dataName(job),
		gen_shape: String(job.gen_shape).replaceAll(",", ", "),
	};
	const kept = Object.entries(all).filter(
		([setting]) => BARE.includes(setting) || (labelFor(setting) && (OWNERS[setting] ?? job.model) === job.model),
	);
	return Object.fromEntries(kept);
}

/** @param {string} name */
const labelFor = (name) => document.querySelector(`label[for="${name}"]`)?.textContent?.split(",")[0] ?? "";

/** The figures of several runs side by side. @type {(runs: Run[], frames: (Frame | undefined)[]) => Row[]} */
export function tableOf(runs, frames) {
	const figures = runs.map((run, i) => figuresOf(run, frames[i]));
	const labels = new Map(figures.flat().map(({ name, label }) => [name, label]));
	const comparable = new Set(runs.map(({ job }) => JSON.stringify(job.data))).size === 1;
	const rows = [...labels].map(([name, label]) => {
		const values = figures.map((all) => all.find((one) => one.name === name));
		const best = comparable
			? bestOf(
					values.map((one) => one?.value ?? null),
					HIGHER.includes(name),
				)
			: NaN;
		return { label, cells: values.map((one) => ({ text: one?.text ?? "–", best: one?.value === best })) };
	});
	// Seconds tell more than the length only where the runs are equally long.
	const lengths = new Set(runs.map(({ job, ended }) => (ended ? job.step - job.first_step : NaN)));
	const seconds = runs.map(({ job }) => job.seconds || null);
	const fastest = lengths.size === 1 && !lengths.has(NaN) ? bestOf(seconds, false) : NaN;
	return [
		...rows,
		{ label: "steps trained", cells: runs.map(({ step }) => ({ text: count(step), best: false })) },
		{ label: "time", cells: seconds.map((one) => ({ text: one ? duration(one) : "–", best: one === fastest })) },
	];
}

/** @param {number} seconds */
const duration = (seconds) => (seconds < 60 ? `${steady(seconds, 1)} s` : span(seconds));

/** The best of several values; NaN where there is none that is better than another. */
/** @type {(values: (number | null)[], higher: boolean) => number} */
function bestOf(values, higher) {
	const known = values.filter((value) => value !== null);
	if (new Set(known).size < 2) return NaN;
	return higher ? Math.max(...known) : Math.min(...known);
}
