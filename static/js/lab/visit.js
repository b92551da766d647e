// Which runs the page shows, as its address says, and with them the settings in the form.

import { followService, ServiceError } from "../shared/api.js";
import { byId, prefersCalm } from "../shared/dom.js";
import { clear, show as notify } from "../shared/notice.js";
import * as form from "./form.js";
import { MOST_RUNS } from "./plot.js";
import { readSeen, seenValues } from "./seen.js";
import { followJobs, lookFor } from "./service.js";
import { OWN, readAddress, writeAddress } from "./settings.js";
import { titleOf } from "./words.js";

const GONE = "This run is no longer here. Start the training to repeat it: its settings are in the form.";
const GONE_WITH_POINTS = "This run is no longer here, and neither are its points; its other settings are in the form.";

/** The page is about the first of them. @type {Job[]} */
export let jobs = [];
/** @type {((jobs: Job[]) => void)[]} */
const followers = [];
/** Whether the run that the address names could not be looked up, and is to be once the service is back. */
let isWaiting = false;

export function begin() {
	window.addEventListener("popstate", open);
	followService((isReached) => void (isReached && isWaiting && open()));
	followJobs((id, job) => {
		if (job) jobs = jobs.map((one) => (one.id === id ? job : one));
		else if (isShown(id)) leave(id);
	});
}

/** Call back when other runs are shown. @param {typeof followers[0]} follower */
export function followVisit(follower) {
	followers.push(follower);
}

/** @param {string} id */
const isShown = (id) => jobs.some((job) => job.id === id);

/** The shown runs but one. @param {string} id */
const without = (id) => jobs.filter((job) => job.id !== id);

/** Look at runs, with what is known of the points of the first. @type {(wanted: Job[], given?: Values) => void} */
export function go(wanted, given) {
	enter(wanted, given);
	reveal(prefersCalm() ? "instant" : "smooth");
}

/** Look at a run: one that is compared becomes the first, any other is looked at alone. @param {Job} job */
export const pick = (job) => go(isShown(job.id) ? [job, ...without(job.id)] : [job]);

/** Compare a run, or no longer. @param {Job} job */
export function compare(job) {
	if (isShown(job.id)) enter(without(job.id));
	else if (jobs.length < MOST_RUNS) enter([...jobs, job]);
	else notify(`Up to ${MOST_RUNS} runs can be compared: take one away first.`);
}

/** @type {(wanted: Job[], given?: Values) => void} */
function enter(wanted, given = wanted[0]?.id === jobs[0]?.id ? form.values() : {}) {
	if (wanted[0]) form.mirror(wanted[0], given);
	const now = address(wanted);
	if (now !== location.pathname + location.search) history.pushState(null, "", now);
	show(wanted);
}

/** @param {Job[]} shown */
const address = (shown) =>
	writeAddress(
		{ ...form.values(), ...seenValues() },
		shown.map(({ id }) => id),
	);

/** Write what has changed into the address. */
export function keepAddress() {
	history.replaceState(null, "", address(jobs));
}

/** Bring the picture into view, unless it is. @param {ScrollBehavior} behavior */
export function reveal(behavior) {
	const { top, bottom } = byId("picture").getBoundingClientRect();
	if (top < 0 || bottom > innerHeight) byId("studio").scrollIntoView({ behavior });
}

/** @param {Job[]} wanted */
function show(wanted) {
	clear();
	jobs = wanted;
	document.title = `${jobs[0] ? `${titleOf(jobs[0])} – ` : ""}Lab – nobody`;
	for (const follower of followers) follower(jobs);
}

/** A run was deleted. @param {string} id */
function leave(id) {
	show(without(id));
	keepAddress();
}

/** Show what the page's address names. */
export async function open() {
	const { values, job: id, others } = readAddress(location.search);
	readSeen(location.search);
	form.fill(values);
	isWaiting = false;
	if (id === null) return show([]);
	try {
		const found = await Promise.all([id, ...others].slice(0, MOST_RUNS).map(lookFor));
		if (!found[0]) return miss(values);
		form.mirror(found[0], values); // whatever else the address says
		show(found.filter((job) => job !== undefined));
		keepAddress();
		if (found.includes(undefined)) notify("Not all runs of this comparison are here any more; the others are shown.");
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		isWaiting = error.passes;
		notify(error.message, open);
	}
}

/** The run that the address names is gone. @param {Values} values */
function miss(values) {
	show([]);
	form.complain(new ServiceError(values.data === OWN && !values.points && !values.kept ? GONE_WITH_POINTS : GONE, 404));
	byId("settings-error").scrollIntoView({ block: "nearest" });
}
