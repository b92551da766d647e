// What is said about a run: its title, state and pace, its losses and figures.

import { byId, makeEntry, put } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { offerRemedy } from "./remedies.js";
import { storyOf } from "./stories.js";
import { explain } from "./terms.js";
import { count, dataName, lossName, modelName, number, sentence, span, steady, titleOf } from "./words.js";

/** @type {Record<string, string>} */
const STATES = {
	queued: "waiting",
	pausing: "pausing …",
	cancelling: "cancelling …",
	succeeded: "trained",
};

/** What a run is at before its first step. @type {Record<string, string>} */
const PHASES = {
	starting: "its training process starts and builds the networks",
	compiling: "the training step, once for networks of this shape",
};

/** @type {(value: number, run: Run) => string} */
const ofModes = (value, run) => `${value} of ${run.real?.modes?.length ?? "?"}`;

/** @type {Record<string, [label: string, write?: (value: number, run: Run) => string]>} */
const FIGURES = {
	modes_fairly_covered: ["modes covered", ofModes],
	modes_covered: ["modes with a point nearby", ofModes],
	high_quality: ["within 3 σ of a mode", (value) => `${(100 * value).toFixed(1)} %`],
	reverse_kl: ["reverse KL of the modes", (value) => steady(value, 3)],
	mean_squared_distance: ["mean distance² to the centre"],
	barycentre_squared_distance: ["distance² of the barycentre"],
	sliced_wasserstein: [
		"sliced Wasserstein distance",
		// In the units of the data, which may be very small or large.
		(value) => (value >= 0.01 && value < 1000 ? steady(value, 4) : number(value)),
	],
};

/** The run that was spoken of last, what it was at, and since when. */
let told = { id: "", stage: "", step: 0, since: 0 };

/** What a run or a job is at. @type {(one: Pick<Run, "status" | "phase">) => string} */
export const stageName = ({ status, phase }) =>
	status === "running" ? (phase ?? "training") : (STATES[status] ?? status);

/** Whether there is nothing to show but that time passes. @type {(run: Run) => boolean} */
export const isWaiting = (run) => run.status === "queued" || stageName(run) in PHASES;

/** Show where a run stands, and that the connection is broken. @type {(run: Run, broken: boolean) => void} */
export function showState(run, broken) {
	const { job, step, warnings } = run;
	tell(run);
	const facts = [
		job.name && `${modelName(job)}, ${dataName(job)}`,
		`seed ${job.seed}`,
		told.stage,
		warnings.discriminator_saturated && "saturated",
	];
	const pace = [`step ${count(step)} of ${count(job.steps)}`, ...paceOf(run)];
	const complaints = Object.values(warnings).map((one) => `${sentence(one)}.`);
	say("run-title", titleOf(job));
	say("run-state", facts.filter(Boolean).join(" · "));
	say("run-pace", broken ? "The connection is lost; trying again …" : pace.join(" · "));
	say("run-warning", complaints.join(" "));
	say("run-watch", storyOf(job)?.watch ?? "");
	const progress = byId("progress", HTMLProgressElement);
	progress.max = job.steps;
	if (isWaiting(run)) progress.removeAttribute("value");
	else progress.value = step;
	offerRemedy(job);
}

/** @type {(id: string, textContent: string) => void} */
const say = (id, textContent) => put(byId(id), { textContent, hidden: !textContent });

/** Tell screen readers what is new: what the run is at, and each quarter of the training. @param {Run} run */
function tell(run) {
	const { job, step } = run;
	const before = told;
	const quarterAt = (/** @type {number} */ reached) => Math.floor((4 * reached) / job.steps);
	told = { id: job.id, stage: stageName(run), step, since: performance.now() };
	if (told.id !== before.id) return;
	if (told.stage !== before.stage) return announce(`${titleOf(job)}: ${told.stage}, step ${step} of ${job.steps}.`);
	told.since = before.since;
	if (run.training && quarterAt(step) > quarterAt(before.step)) announce(`${25 * quarterAt(step)} % trained.`);
}

/** Show the newest losses. @param {Run} [run] */
export function showLosses(run) {
	const losses = Object.entries(run?.losses.values ?? {}).map(([name, values]) => ({
		name,
		label: lossName(name),
		text: values.length ? steady(values[values.length - 1], 3) : "…",
	}));
	list("losses", losses);
	byId("losses-empty").hidden = losses.length > 0;
}

/** Show how good the generator is at the shown step. @type {(run?: Run, frame?: Frame) => void} */
export function showFigures(run, frame) {
	const figures = run ? figuresOf(run, frame) : [];
	list("figures", figures);
	byId("figures-help").hidden = !figures.some(({ name }) => name === "modes_fairly_covered");
	byId("figures-part").hidden = figures.length === 0;
}

/** List numbers. Entries stay as long as they can: else their buttons would lose the focus. */
/** @type {(id: string, numbers: Pick<Reading, "name" | "label" | "text">[]) => void} */
function list(id, numbers) {
	const place = byId(id);
	const names = numbers.map(({ name }) => name).join();
	if (place.dataset.names !== names) place.replaceChildren(...numbers.map(({ name, label }) => entryOf(name, label)));
	place.dataset.names = names;
	for (const [i, dd] of place.querySelectorAll("dd").entries()) dd.textContent = numbers[i].text;
}

/** @type {(name: string, label: string) => HTMLElement} */
function entryOf(name, label) {
	const entry = makeEntry(label, "");
	entry.dataset.loss = name; // colours the losses
	entry.firstElementChild?.append(...explain(name));
	return entry;
}

/** Describe a picture to those who do not see it, and say why there is none. */
/** @type {(canvas: HTMLElement, empty: HTMLElement, run?: Run, frame?: Frame) => void} */
export function describe(canvas, empty, run, frame) {
	const lack = run?.job.id ? lackOf(run) : "Choose a GAN and data, then start the training. The picture appears here.";
	put(empty, { hidden: Boolean(frame), textContent: lack });
	put(canvas, { ariaLabel: run ? (frame ? contentOf(run, frame) : lack) : "No run is shown." });
	canvas.dataset.step = frame ? String(frame.step) : "";
}

/** @type {(run: Run, frame: Frame) => string} */
function contentOf(run, frame) {
	const points = `${frame.made.count} generated points over ${run.real?.points.count ?? 0} real ones`;
	const known = figuresOf(run, frame).filter(({ value }) => value !== null);
	const figures = known.map(({ label, text }) => `${label}: ${text}`);
	return [`Step ${frame.step} of ${run.job.steps}`, points, ...figures].join("; ");
}

/** How good the generator of a picture is. @type {(run: Run, frame?: Frame) => Reading[]} */
export function figuresOf(run, frame) {
	const { modes_covered, ...others } = frame?.figures ?? {};
	// By VEEGAN’s protocol one near point covers a mode: right for tables, misleading beside a picture. Runs of earlier
	// versions have no other count.
	const isOnlyCount = modes_covered !== undefined && !("modes_fairly_covered" in others);
	return Object.entries(isOnlyCount ? { modes_covered, ...others } : others).map(([name, value]) => {
		const [label, write = number] = FIGURES[name] ?? [name.replaceAll("_", " ")];
		return { name, label, value, text: value === null ? "–" : write(value, run) };
	});
}

/** Why a run has no picture to show. @param {Run} run */
function lackOf(run) {
	if (run.frames.length) return `It begins at step ${count(run.frames[0].step)}.`;
	if (run.lost) return "The pictures of this run are gone: its files were deleted.";
	if (run.status === "failed") return "The run failed before its first picture.";
	if (run.ended) return "The run was cancelled before its first picture.";
	if (run.status === "paused") return "Paused before the first picture.";
	if (run.status === "queued") return "Waiting for its turn …";
	return isWaiting(run) ? `${sentence(phaseOf(run))} …` : "The first picture comes in a moment.";
}

/** How long a run waits for its turn. @param {Job} job */
export function waitOf({ queue_position: before, estimated_start: start }) {
	const seconds = start ? (Date.parse(start) - Date.now()) / 1000 : 0;
	const facts = [before && `${before} before it`, seconds > 1 && `starts in about ${span(seconds)}`];
	return facts.flatMap((one) => one || []);
}

/** @param {Run} run */
const phaseOf = (run) => `${run.phase}: ${PHASES[stageName(run)]}`;

/** @param {Run} run */
function paceOf(run) {
	const { job, pace, status } = run;
	if (status === "queued") return waitOf(job);
	if (status === "paused" && job.half) return ["the discriminator has moved, the generator moves next"];
	if (isWaiting(run)) return [phaseOf(run), span((performance.now() - told.since) / 1000)];
	if (run.ended) return job.seconds ? [`took ${span(job.seconds)}`] : [];
	return run.training && pace ? [`${count(pace)} steps/s`, `${span((job.steps - run.step) / pace)} left`] : [];
}
