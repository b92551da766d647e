// What is said about a run: its title, state and pace, its losses and figures.

import { byId } from "../dom.js";
import { announce } from "../notice.js";
import { count, dataName, lossName, modelName, number, span, steady } from "./words.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./run.js").Frame} Frame */

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
/** @type {Record<string, {name: string, means: string}>} */
const PHASES = {
  starting: { name: "starting", means: "its training process starts and builds the networks" },
  compiling: { name: "compiling", means: "the training step, once for networks of this shape" },
};

/** @type {Record<string, {label: string, write: (value: number, run: Run) => string}>} */
const FIGURES = {
  modes_fairly_covered: {
    label: "modes covered",
    write: (value, run) => `${value} of ${run.real?.modes?.length ?? "?"}`,
  },
  modes_covered: {
    label: "modes with a point nearby",
    write: (value, run) => `${value} of ${run.real?.modes?.length ?? "?"}`,
  },
  high_quality: { label: "within 3 σ of a mode", write: (value) => `${(100 * value).toFixed(1)} %` },
  reverse_kl: { label: "reverse KL of the modes", write: (value) => steady(value, 3) },
  mean_squared_distance: { label: "mean distance² to the centre", write: number },
  barycentre_squared_distance: { label: "distance² of the barycentre", write: number },
  // In the units of the data, which may be very small or large.
  sliced_wasserstein: {
    label: "sliced Wasserstein distance",
    write: (value) => (value >= 0.01 && value < 1000 ? steady(value, 4) : number(value)),
  },
};

/**
 * Say what a run or a job is at.
 * @param {{status: string, phase: string | null}} one
 * @returns {string}
 */
export function stageName({ status, phase }) {
  return (status === "running" && PHASES[phase ?? ""]?.name) || (STATES[status] ?? status);
}

/**
 * Say what a run is called.
 * @param {import("./service.js").Job} job
 * @returns {string}
 */
export function titleOf(job) {
  return job.name || `${modelName(job)}, ${dataName(job)}`;
}

/**
 * Show where the run stands.
 * @param {Run} run
 * @param {boolean} broken the connection to the service is
 */
export function showState(run, broken) {
  const { job, step } = run;
  byId("run-title", HTMLElement).textContent = titleOf(job);
  byId("run-state", HTMLElement).textContent = [
    job.name ? `${modelName(job)}, ${dataName(job)}` : "",
    `seed ${job.seed}`,
    stageName(run),
    run.warnings.discriminator_saturated ? "saturated" : "",
  ]
    .filter(Boolean)
    .join(" · ");
  byId("run-pace", HTMLElement).textContent = broken
    ? "The connection is lost; trying again …"
    : [`step ${count(step)} of ${count(job.steps)}`, ...paceOf(run)].join(" · ");
  showWarnings(run);
  const progress = byId("progress", HTMLProgressElement);
  progress.max = job.steps;
  progress.value = step;
}

/** @param {Run} run */
function showWarnings({ warnings }) {
  const box = byId("run-warning", HTMLElement);
  const text = Object.values(warnings)
    .map((one) => `${one[0].toUpperCase()}${one.slice(1)}.`)
    .join(" ");
  box.hidden = text === "";
  if (box.textContent !== text) box.textContent = text; // else screen readers would say it again
}

/**
 * Say where there is nothing to see yet what to do, or to wait for.
 * @param {Run | undefined} run
 */
export function showEmpty(run) {
  const empty = byId("empty", HTMLElement);
  empty.hidden = Boolean(run?.frames.length);
  empty.textContent = run
    ? waitingFor(run)
    : "Choose a GAN and data, then start the training. The picture appears here.";
}

/**
 * Show the newest losses.
 * @param {Run | undefined} run
 */
export function showLosses(run) {
  const losses = run?.losses.values ?? {};
  const pairs = Object.entries(losses).map(([name, values]) => {
    const last = values.at(-1);
    return pair(lossName(name), last === undefined ? "…" : steady(last, 3), name);
  });
  byId("losses", HTMLElement).replaceChildren(...pairs);
  byId("losses-empty", HTMLElement).hidden = pairs.length > 0;
}

/**
 * Show how good the generator of the shown step is.
 * @param {Run | undefined} run
 * @param {Frame | undefined} frame
 */
export function showFigures(run, frame) {
  const figures = figuresOf(frame);
  byId("figures-help", HTMLElement).hidden = !figures.some(([name]) => name === "modes_fairly_covered");
  byId("figures-part", HTMLElement).hidden = figures.length === 0;
  if (run) byId("figures", HTMLElement).replaceChildren(...figures.map(([name, value]) => figure(run, name, value)));
}

/**
 * Describe the picture to those who do not see it.
 * @param {Run | undefined} run
 * @param {Frame | undefined} frame
 * @returns {string}
 */
export function describe(run, frame) {
  if (!run || !frame) return run ? waitingFor(run) : "No run is shown.";
  const figures = figuresOf(frame)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${labelOf(name)}: ${written(run, name, value)}`);
  const points = `${frame.made.count} generated points over ${run.real?.points.count ?? 0} real ones`;
  return [`Step ${frame.step} of ${run.job.steps}`, points, ...figures].join("; ");
}

/**
 * @param {Frame | undefined} frame
 * @returns {[string, number | null][]}
 */
function figuresOf(frame) {
  const { modes_covered, ...others } = frame?.figures ?? {};
  // By VEEGAN’s protocol one near point covers a mode: right for tables, misleading beside a picture. Runs of earlier
  // versions have no other count.
  const figures =
    "modes_fairly_covered" in others || modes_covered === undefined ? others : { modes_covered, ...others };
  return Object.entries(figures);
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
function waitingFor(run) {
  if (run.status === "failed") return "The run failed before its first picture.";
  if (run.ended) return "The run was cancelled before its first picture.";
  if (run.status === "paused") return "Paused before the first picture.";
  if (run.status === "queued") return "Waiting for its turn …";
  const phase = PHASES[run.phase ?? ""];
  return phase
    ? `${phase.name[0].toUpperCase()}${phase.name.slice(1)}: ${phase.means} …`
    : "The first picture comes in a moment.";
}

/** @param {Run} run */
function paceOf(run) {
  const { job, pace, left, status } = run;
  if (status === "queued") return job.queue_position ? [`${job.queue_position} before it`] : [];
  if (status === "running" && run.phase && PHASES[run.phase])
    return [`${PHASES[run.phase].name}: ${PHASES[run.phase].means}`];
  if (run.ended) return job.seconds ? [`took ${span(job.seconds)}`] : [];
  if (!run.training || !pace) return [];
  return [`${count(pace)} steps/s`, left === null ? "" : `${span(left)} left`].filter(Boolean);
}

/**
 * @param {Run} run
 * @param {string} name
 * @param {number | null} value
 */
function figure(run, name, value) {
  return pair(labelOf(name), written(run, name, value));
}

/** @param {string} name */
function labelOf(name) {
  return FIGURES[name]?.label ?? name.replaceAll("_", " ");
}

/**
 * @param {Run} run
 * @param {string} name
 * @param {number | null} value
 */
function written(run, name, value) {
  return value === null ? "–" : (FIGURES[name]?.write ?? number)(value, run);
}

/**
 * @param {string} label
 * @param {string} text
 * @param {string} [kind]
 */
function pair(label, text, kind) {
  const [box, term, value] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
  if (kind) box.dataset.loss = kind;
  term.textContent = label;
  value.textContent = text;
  box.append(term, value);
  return box;
}
