// What a run was trained with, in a line: what is unusual, and in what it differs from the run below it in the list.

import { BARE, labelFor, settingsOf } from "./comparing.js";
import { USUAL } from "./fields.js";
import { valuesOf } from "./settings.js";
import { storyOf } from "./stories.js";

/** Runs that differ in more are too different to be compared. */
const MOST = 3;
/** The title has them, unless the run has a name. */
const IN_TITLE = ["model", "data"];

/**
 * Tell what is special about a run.
 * @param {Job} job
 * @param {Job | undefined} below the next run in the list
 */
export function factsOf(job, below = job) {
	const [own, other] = [settingsOf(job), settingsOf(below)];
	const names = [...new Set([...IN_TITLE, ...Object.keys({ ...own, ...other })])];
	const different = names.filter((name) => (own[name] ?? "") !== (other[name] ?? ""));
	const story = storyOf(job)?.job;
	/** @type {Record<string, string | undefined>} */
	const usual = { ...USUAL, ...(story && valuesOf(story)), seed: undefined };
	if (!valuesOf(job).gen_shape) usual.gen_shape = own.gen_shape; // that of the exercise for such data
	const facts = names
		.filter((name) => job.name || !IN_TITLE.includes(name))
		.map((name) => ({
			text: BARE.includes(name) ? (own[name] ?? "") : `${labelFor(name).toLowerCase()} ${own[name] || "as usual"}`,
			differs: different.length <= MOST && different.includes(name),
			unusual: (own[name] || usual[name]) !== usual[name],
		}));
	const told = facts.filter(({ text, differs, unusual }) => text && (differs || unusual));
	return job.preset ? [{ text: `preset ${job.preset}`, differs: false }, ...told] : told;
}
