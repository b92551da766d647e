// The run that is watched: what its events add up to.

import { hasEnded } from "./words.js";

/** @typedef {import("./service.js").Job} Job */
/**
 * Points, one after the other.
 * @typedef {{count: number, dimensions: number, values: Float64Array}} Points
 */
/**
 * What the networks were able to at a step.
 * @typedef {object} Frame
 * @property {number} step
 * @property {Points} made generated points; the same place always holds the same latent vector's
 * @property {Float32Array | null} scores of the discriminator, row by row from the bottom of the box
 * @property {number} side rows and columns of the scores
 * @property {[number, number]} range of the scores
 * @property {Record<string, number | null>} figures
 * @property {boolean[] | null} covered of each mode, whether it has its fair share of the generated points
 */
/**
 * Losses by their names.
 * @typedef {{steps: number[], values: Record<string, number[]>, version: number}} Losses
 */
/**
 * @typedef {object} Real
 * @property {Points} points
 * @property {number} dimensions of an example; the points have the first few of them
 * @property {[number, number][]} box that is shown, by coordinate
 * @property {number[][] | null} modes
 * @property {number | null} radius around a mode that counts as near: 3 σ
 * @property {boolean} own whether they are the caller's, in units that the picture has to tell
 */

export class Run {
  /** @type {Real | undefined} */
  real;
  /** @type {Frame[]} */
  frames = [];
  /** @type {Losses} */
  losses = { steps: [], values: {}, version: 0 };
  /** @type {number | null} */
  pace = null;

  /** @param {Job} job */
  constructor(job) {
    this.job = job;
    this.status = job.status;
    this.step = job.step;
    /** @type {string | null} what it is at while it runs */
    this.phase = job.phase;
    /** @type {Record<string, string>} what is wrong with the training, by name */
    this.warnings = job.warnings;
  }

  get ended() {
    return hasEnded(this.status);
  }

  /** Whether the networks train right now. */
  get training() {
    return this.status === "running" && this.phase !== "starting" && this.phase !== "compiling";
  }

  /** Seconds until the training is through, as far as one knows. */
  get left() {
    return this.training && this.pace ? (this.job.steps - this.step) / this.pace : null;
  }

  /**
   * Take in what the service says about the run as a whole. The events, which may be ahead, tell how it goes.
   * @param {Job} job
   * @param {boolean} deaf no events come
   */
  update(job, deaf) {
    this.job = job;
    if (!deaf) return;
    this.status = job.status;
    this.phase = job.phase;
    this.warnings = job.warnings;
    this.step = Math.max(this.step, job.step);
  }

  /**
   * Take in an event.
   * @param {string} kind
   * @param {any} data
   */
  hear(kind, data) {
    if (kind === "state" && !this.#isPast(data.status)) {
      this.status = data.status;
      this.pace = null; // that of before a pause, say
    }
    if (kind === "state" || kind === "phase") this.phase = data.phase ?? null;
    if (kind === "warnings") this.warnings = data.warnings;
    if (kind === "data") this.real = { ...realOf(data), own: "rows" in (this.job.data ?? {}) };
    if (kind === "snapshot") this.frames.push(frameOf(data, this.job.model));
    if (kind === "progress") {
      this.pace = data.steps_per_second;
      this.#append(data.step, data.losses);
    }
    this.step = Math.max(this.step, data.step ?? 0);
  }

  /**
   * Take the losses of every step in place of those that the events told.
   * @param {import("./service.js").History} history
   */
  learn(history) {
    const length = Math.max(0, ...Object.values(history.losses).map((values) => values.length));
    if (length < this.losses.steps.length) return;
    const steps = Array.from({ length }, (_, i) => history.first_step + 1 + i);
    this.losses = { steps, values: history.losses, version: this.losses.version + 1 };
  }

  /**
   * Whether a state is one that a run went through before its end, which is known.
   * @param {string} status
   */
  #isPast(status) {
    return hasEnded(this.job.status) && !hasEnded(status);
  }

  /**
   * @param {number} step
   * @param {Record<string, number>} values
   */
  #append(step, values) {
    const { losses } = this;
    if (step <= (losses.steps.at(-1) ?? -1)) return;
    losses.steps.push(step);
    for (const [name, value] of Object.entries(values)) {
      losses.values[name] ??= [];
      losses.values[name].push(value);
    }
    losses.version += 1;
  }
}

/**
 * @param {any} data
 * @returns {Omit<Real, "own">}
 */
function realOf(data) {
  const { dimensions, box, modes, mode_radius: radius = null } = data;
  return { points: pointsOf(data.real), dimensions, box, modes, radius };
}

/**
 * @param {any} data
 * @param {string} model
 * @returns {Frame}
 */
function frameOf(data, model) {
  const scores = data.scores ? Float32Array.from(data.scores.flat()) : null;
  return {
    step: data.step,
    made: pointsOf(data.generated),
    scores,
    side: data.scores?.length ?? 0,
    range: scores ? rangeOf(scores, model) : [-1, 1],
    figures: data.figures ?? {},
    covered: data.covered ?? null,
  };
}

/**
 * @param {number[][]} rows
 * @returns {Points}
 */
function pointsOf(rows) {
  return { count: rows.length, dimensions: rows[0]?.length ?? 0, values: Float64Array.from(rows.flat()) };
}

// Least squares aim at ±1. What a Wasserstein critic says has no level: only differences count.
/**
 * @param {Float32Array} scores
 * @param {string} model
 * @returns {[number, number]}
 */
function rangeOf(scores, model) {
  if (model === "simple_gan") return [-1, 1];
  const low = scores.reduce((a, b) => Math.min(a, b));
  const high = scores.reduce((a, b) => Math.max(a, b));
  const room = Math.max(0, 0.02 - (high - low)) / 2;
  return [low - room, high + room];
}
