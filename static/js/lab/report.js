// What is said about a run: its title, state and pace, its losses and figures.

import { byId, makeEntry } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { offerRemedy } from "./remedies.js";
import { watchText } from "./stories.js";
import { explain } from "./terms.js";
import { count, dataName, lossName, modelName, number, sentence, span, steady, titleOf } from "./words.js";

/** @type {Record<string, string>} */
const STATES = {
	queued: "waiting",
	running: "training",
	pausing: "pausing …",
	paused: "paused",
	cancelling: "cancelling …",
	cancelled: "cancelled",
	succeeded: "trained",
	failed: "failed",
};

/** What a run is at before its first step. */
/** @type {Record<string, string>} */
const PHASES = {
	starting: "its training process starts and builds the networks",
	compiling: "the training step, once for networks of this shape",
};

/** @type {(value: number, run: Run) => string} */
const ofModes = (value, run) => `${value} of ${run.real?.modes?.length ?? "?"}`;

/** @type {Record<string, {label: string, write: (value: number, run: Run) => string}>} */
const FIGURES = {
	modes_fairly_covered: { label: "modes covered", write: ofModes },
	modes_covered: { label: "modes with a point nearby", write: ofModes },
	high_quality: { label: "within 3 σ of a mode", write: (value) => `${(100 * value).toFixed(1)} %` },
	reverse_kl: { label: "reverse KL of the modes", write: (value) => steady(value, 3) },
	mean_squared_distance: { label: "mean distance² to the centre", write: number },
	barycentre_squared_distance: { label: "distance² of the barycentre", write: number },
	sliced_wasserstein: {
		label: "sliced Wasserstein distance",
		// In the units of the data, which may be very small or large.
		write: (value) => (value >= 0.01 && value < 1000 ? steady(value, 4) : number(value)),
	},
};

/** What is waited for, and since when. */
let wait = { about: "", since: 0 };

/** Whether there is nothing to show but that time passes. @type {(run: Run) => boolean} */
export const isWaiting = (run) => run.status === "queued" || phaseOf(run) !== "";

/** Say what a run or a job is at. @param {{status: string, phase: string | null}} one */
export function stageName({ status, phase }) {
	return status === "running" && phase && phase in PHASES ? phase : (STATES[status] ?? status);
}

/**
 * Show where the run stands.
 * @param {Run} run
 * @param {boolean} broken the connection to the service is
 */
export function showState(run, broken) {
	const { job, step } = run;
	const about = `${job.id} ${stageName(run)}`;
	if (wait.about !== about) wait = { about, since: performance.now() };
	const facts = [
		job.name ? `${modelName(job)}, ${dataName(job)}` : "",
		`seed ${job.seed}`,
		stageName(run),
		run.warnings.discriminator_saturated ? "saturated" : "",
	];
	byId("run-title").textContent = titleOf(job);
	byId("run-state").textContent = facts.filter(Boolean).join(" · ");
	byId("run-pace").textContent = broken
		? "The connection is lost; trying again …"
		: [`step ${count(step)} of ${count(job.steps)}`, ...paceOf(run)].join(" · ");
	showWarnings(run);
	const watch = byId("run-watch");
	watch.textContent = watchText(job);
	watch.hidden = watch.textContent === "";
	const progress = byId("progress", HTMLProgressElement);
	progress.max = job.steps;
	if (isWaiting(run)) progress.removeAttribute("value");
	else progress.value = step;
	offerRemedy(job);
}

/** @param {Run} run */
function showWarnings({ warnings }) {
	const box = byId("run-warning");
	const text = Object.values(warnings).map((one) => `${sentence(one)}.`);
	box.hidden = text.length === 0;
	if (box.textContent !== text.join(" ")) box.textContent = text.join(" "); // else screen readers would say it again
}

/** Where there is nothing to see yet, say what to do or to wait for. @param {Run | undefined} run */
export function showEmpty(run) {
	const empty = byId("empty");
	empty.hidden = Boolean(run?.frames.length);
	empty.textContent = run?.job.id
		? waitingFor(run)
		: "Choose a GAN and data, then start the training. The picture appears here.";
}

/** Show the newest losses. @param {Run | undefined} run */
export function showLosses(run) {
	const losses = Object.entries(run?.losses.values ?? {}).map(([name, values]) => {
		const last = values.at(-1);
		return { name, label: lossName(name), text: last === undefined ? "…" : steady(last, 3) };
	});
	list("losses", losses);
	byId("losses-empty").hidden = losses.length > 0;
}

/**
 * Show how good the generator of the shown step is.
 * @param {Run | undefined} run
 * @param {Frame | undefined} frame
 */
export function showFigures(run, frame) {
	const figures = figuresOf(frame);
	byId("figures-help").hidden = !figures.some(([name]) => name === "modes_fairly_covered");
	byId("figures-part").hidden = figures.length === 0;
	if (!run) return;
	list(
		"figures",
		figures.map(([name, value]) => ({
			name,
			label: labelOf(name),
			text: value === null ? "–" : written(run, name, value),
		})),
	);
}

/** List numbers. Entries stay as long as they can: else their buttons would lose the focus. */
/** @type {(id: string, numbers: {name: string, label: string, text: string}[]) => void} */
function list(id, numbers) {
	const place = byId(id);
	const names = numbers.map(({ name }) => name).join();
	if (place.dataset.names !== names) {
		place.dataset.names = names;
		place.replaceChildren(...numbers.map(({ name, label }) => entryOf(name, label)));
	}
	for (const [i, dd] of place.querySelectorAll("dd").entries()) dd.textContent = numbers[i].text;
}

/** @type {(name: string, label: string) => HTMLElement} */
function entryOf(name, label) {
	const entry = makeEntry(label, "");
	entry.dataset.loss = name; // colours the losses
	entry.firstElementChild?.append(...explain(name));
	return entry;
}

/**
 * Describe the picture to those who do not see it.
 * @param {Run | undefined} run
 * @param {Frame | undefined} frame
 */
export function describe(run, frame) {
	if (!run) return "No run is shown.";
	if (!frame) return waitingFor(run);
	const points = `${frame.made.count} generated points over ${run.real?.points.count ?? 0} real ones`;
	const figures = figuresOf(frame).flatMap(([name, value]) =>
		value === null ? [] : `${labelOf(name)}: ${written(run, name, value)}`,
	);
	return [`Step ${frame.step} of ${run.job.steps}`, points, ...figures].join("; ");
}

/** @param {Frame | undefined} frame */
export function figuresOf(frame) {
	const { modes_covered, ...others } = frame?.figures ?? {};
	// By VEEGAN’s protocol one near point covers a mode: right for tables, misleading beside a picture. Runs of earlier
	// versions have no other count.
	const isOnlyCount = modes_covered !== undefined && !("modes_fairly_covered" in others);
	return Object.entries(isOnlyCount ? { modes_covered, ...others } : others);
}

/** @param {string} name */
export function labelOf(name) {
	return FIGURES[name]?.label ?? name.replaceAll("_", " ");
}

/** @type {(run: Run, name: string, value: number) => string} */
export function written(run, name, value) {
	return (FIGURES[name]?.write ?? number)(value, run);
}

/**
 * Tell screen readers what the run is at, and of each quarter of the training.
 * @param {Run} run
 * @param {string} before what it was at
 * @param {number} stepBefore
 */
export function tell(run, before, stepBefore) {
	const quarter = (/** @type {number} */ step) => Math.floor((4 * step) / run.job.steps);
	const stage = stageName(run);
	if (stage !== before) announce(`${titleOf(run.job)}: ${stage}, step ${run.step} of ${run.job.steps}.`);
	else if (run.training && quarter(run.step) > quarter(stepBefore)) announce(`${25 * quarter(run.step)} % trained.`);
}

/** @param {Run} run */
export function waitingFor(run) {
	if (run.lost) return "The pictures of this run are gone: its files were deleted.";
	if (run.status === "failed") return "The run failed before its first picture.";
	if (run.ended) return "The run was cancelled before its first picture.";
	if (run.status === "paused") return "Paused before the first picture.";
	if (run.status === "queued") return "Waiting for its turn …";
	const phase = phaseOf(run);
	return phase ? `${sentence(phase)} …` : "The first picture comes in a moment.";
}

/** How long a run waits for its turn. @param {Job} job */
export function waitOf({ queue_position: before, estimated_start: start }) {
	const seconds = start ? (Date.parse(start) - Date.now()) / 1000 : 0;
	return [...(before ? [`${before} before it`] : []), ...(seconds > 1 ? [`starts in about ${span(seconds)}`] : [])];
}

/** @param {Run} run */
function phaseOf({ status, phase }) {
	return status === "running" && phase && phase in PHASES ? `${phase}: ${PHASES[phase]}` : "";
}

/** @param {Run} run */
function paceOf(run) {
	const { job, pace, left, status } = run;
	if (status === "queued") return waitOf(job);
	if (status === "paused" && job.half) return ["the discriminator has moved, the generator moves next"];
	if (phaseOf(run)) return [phaseOf(run), span((performance.now() - wait.since) / 1000)];
	if (run.ended) return job.seconds ? [`took ${span(job.seconds)}`] : [];
	if (!run.training || !pace) return [];
	return left === null ? [`${count(pace)} steps/s`] : [`${count(pace)} steps/s`, `${span(left)} left`];
}
