// What tells runs apart: their settings.

import { USUAL } from "./fields.js";
import { valuesOf } from "./settings.js";
import { storyOf } from "./stories.js";
import { count, dataName, modelName } from "./words.js";

/** Settings that only one GAN has. @type {Record<string, string>} */
const OWNERS = { lambda_gp: "wgan_gp", clip: "wgan_clip" };
/** Settings that say themselves what they are; titles have the first two, unless the run has a name. */
const BARE = ["model", "data", "fork"];
const IN_TITLE = BARE.slice(0, 2);
/** Neighbours in the list that differ in more settings are too different to be compared. */
const MOST = 3;

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
