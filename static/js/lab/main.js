// The lab page: its parts, wired together.

import { followService, ServiceError } from "../shared/api.js";
import { followColours } from "../shared/colours.js";
import { byId, prefersCalm } from "../shared/dom.js";
import { clear, show as notify } from "../shared/notice.js";
import { Actions } from "./actions.js";
import { MOST_RUNS } from "./beside.js";
import { bringExample } from "./example.js";
import { SettingsForm } from "./form.js";
import { followKey } from "./key.js";
import { Offshoots } from "./offshoots.js";
import { owner } from "./owner.js";
import { followRemedies } from "./remedies.js";
import { RunList } from "./runs.js";
import { offerSeen, readSeen, seenValues, VIEWS } from "./seen.js";
import { freshKey, look, lookFor, submit } from "./service.js";
import { OWN, readAddress, valuesOf, writeAddress } from "./settings.js";
import { offerStories } from "./stories.js";
import { explainAll } from "./terms.js";
import { Watch } from "./watch.js";
import { titleOf } from "./words.js";

const BEAT_MS = 2000;
const IDLE_BEATS = 5;
const GONE = "This run is no longer here. Start the training to repeat it: its settings are in the form.";
const GONE_WITH_POINTS = "This run is no longer here, and neither are its points; its other settings are in the form.";

let key = freshKey();
/** Whether the run that the address names could not be looked up, and is to be once the service is back. */
let waiting = false;

const form = new SettingsForm(() => {
	key = freshKey();
	history.replaceState(null, "", address());
}, start);

const actions = new Actions((job) => watch.update(job));

const watch = new Watch(
	(run) => {
		actions.show(run);
		runs.update(run.job);
	},
	(id) => leave(id),
	(id) => without(id),
	(run, step) => offshoots.offer(run, step),
);

const offshoots = new Offshoots(form, go);

const runs = new RunList(pick, leave, (job) => watch.update(job), compare);

async function start() {
	form.clear();
	form.busy = true;
	try {
		if (offshoots.forking) return await offshoots.start();
		const { body, file } = form.request;
		const given = form.values;
		const job = await submit({ ...body, views: VIEWS, owner }, key, file);
		key = freshKey();
		go(job, [], given);
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		form.complain(error);
	} finally {
		form.busy = false;
	}
}

/** Start a run that is known to work, with the seed that is chosen. @param {Preset} preset */
function startStory(preset) {
	form.fill({ ...valuesOf({ ...preset.job, preset: preset.name }), seed: form.complete.seed });
	key = freshKey();
	return start();
}

followKey();
followRemedies((values) => {
	form.fill(values);
	key = freshKey();
	void start();
});

/** Look at a run, beside others; its settings come into the form. @type {(job: Job, others?: Job[], given?: Values) => void} */
function go(job, others = [], given) {
	enter([job, ...others], given);
	reveal(prefersCalm() ? "instant" : "smooth");
}

/** Look at a run of the list. One that is compared becomes the first; any other is looked at alone. @param {Job} job */
function pick(job) {
	const others = watch.jobs.filter(({ id }) => id !== job.id);
	go(job, others.length < watch.jobs.length ? others : []);
}

/** Compare a run, or no longer. @param {Job} job */
function compare(job) {
	if (watch.jobs.some(({ id }) => id === job.id)) without(job.id);
	else if (watch.jobs.length < MOST_RUNS) enter([...watch.jobs, job]);
	else notify(`Up to ${MOST_RUNS} runs can be compared: take one away first.`);
}

/** Look at the other runs only. @param {string} id */
function without(id) {
	enter(watch.jobs.filter((job) => job.id !== id));
}

/**
 * @param {Job[]} jobs the first of them comes into the form
 * @param {Values} given what the form knows of its points
 */
function enter([job, ...others], given = job?.id === watch.id ? form.values : {}) {
	if (job) form.mirror(job, given);
	const now = address([job, ...others]);
	if (now !== location.pathname + location.search) history.pushState(null, "", now);
	show(job, others);
}

/** The address of the settings, of what is seen, and of runs; by default of those that are shown. */
function address(jobs = watch.jobs) {
	return writeAddress(
		{ ...form.values, ...seenValues() },
		jobs.flatMap((job) => job?.id ?? []),
	);
}

/** Bring the picture into view, unless it is. @param {ScrollBehavior} behavior */
function reveal(behavior) {
	const { top, bottom } = byId("picture").getBoundingClientRect();
	if (top < 0 || bottom > innerHeight) byId("studio").scrollIntoView({ behavior });
}

/** @type {(job: Job | undefined, others?: Job[]) => void} */
function show(job, others = []) {
	clear();
	document.title = job ? `${titleOf(job)} – Lab – nobody` : "Lab – nobody";
	actions.show(undefined);
	offshoots.end();
	watch.show(job, others);
	runs.mark(job?.id ?? null, others);
}

/** A run was deleted. @param {string} id */
function leave(id) {
	const [job, ...others] = watch.jobs.filter((one) => one.id !== id);
	if (others.length + Number(Boolean(job)) === watch.jobs.length) return;
	history.replaceState(null, "", address([job, ...others]));
	show(job, others);
}

/** Show what the page's address names. */
async function open() {
	const { values, job: id, others: ids } = readAddress(location.search);
	readSeen(location.search);
	form.fill(values);
	waiting = false;
	if (id === null) return show(undefined);
	try {
		const job = await look(id);
		form.mirror(job, values); // whatever else the address says
		const found = await Promise.all(ids.slice(0, MOST_RUNS - 1).map(lookFor));
		const others = found.filter((one) => one !== undefined);
		history.replaceState(null, "", address([job, ...others]));
		show(job, others);
		if (others.length < found.length)
			notify("Not all runs of this comparison are here any more; the others are shown.");
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		if (error.status === 404) return miss(values);
		waiting = error.passes;
		notify(error.message, () => void open());
	}
}

/** The run that the address names is gone. @param {Values} values */
function miss(values) {
	show(undefined);
	form.complain(new ServiceError(values.data === OWN && !values.points && !values.kept ? GONE_WITH_POINTS : GONE, 404));
	byId("settings-error").scrollIntoView({ block: "nearest" });
}

followService((reached) => {
	if (reached && waiting) void open();
});

/** Whoever follows a link to a run wants its picture; whoever comes back is where they were. */
async function arrive() {
	const [entry] = performance.getEntriesByType("navigation");
	const isNew = entry instanceof PerformanceNavigationTiming && entry.type === "navigate";
	const wanted = isNew && readAddress(location.search).job !== null;
	if (wanted) reveal("instant");
	await open();
	if (wanted && watch.id !== null) reveal("instant"); // what is said about the run in the form has moved it
	if (wanted || watch.id !== null) return;
	const example = await bringExample();
	if (example && watch.id === null) watch.play(example); // unless a run was started meanwhile
}

let refreshing = false;
let idle = 0; // beats since the last look at a list in which nothing goes on

/** Bring the list of runs up to date while the page is seen; never twice at a time. */
async function beat() {
	if (refreshing || document.hidden) return;
	refreshing = true;
	try {
		await runs.refresh();
	} finally {
		refreshing = false;
	}
}

/** Look often while something goes on, and now and then for what others start. */
function tick() {
	if (runs.busy || ++idle % IDLE_BEATS === 0) void beat();
}

/** Offer the stories; what is said of the run that is shown may be one of them. */
async function beginStories() {
	try {
		await offerStories((preset) => void startStory(preset));
		watch.repaint();
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		byId("stories-part").hidden = true; // the form is there
	}
}

window.addEventListener("popstate", () => void open());
offerSeen(() => {
	history.replaceState(null, "", address());
	watch.repaint();
});
followColours(() => watch.repaint());
explainAll();
void beginStories();
void arrive();
setInterval(tick, BEAT_MS);
document.addEventListener("visibilitychange", beat);
window.addEventListener("online", beat);
void beat();
