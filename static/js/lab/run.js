// The run that is watched: what its events add up to.

import { extremes } from "./stretches.js";
import { hasEnded } from "./words.js";

export class Run {
	/** @type {Real | undefined} */
	real;
	/** @type {Frame[]} */
	frames = [];
	/** @type {Losses} */
	losses = { steps: [], values: {}, version: 0 };
	/** @type {Losses} those before and its own */
	joined = this.losses;
	/** @type {Losses | undefined} of the runs that it was forked from, up to there */
	#before;
	/** Where these and it itself went on from another run. @type {number[]} */
	forks = [];
	/** @type {number | null} steps a second */
	pace = null;
	/** Whether files of its pictures were deleted. */
	lost = false;

	/** @param {Job} job */
	constructor(job) {
		this.job = job;
		this.status = job.status;
		this.step = job.step;
		/** What it is at while it runs. */
		this.phase = job.phase;
		/** What is wrong with the training, by name. */
		this.warnings = job.warnings;
	}

	/** The step before the first one whose losses are known. */
	get first() {
		return this.#before ? this.#before.steps[0] - 1 : this.job.first_step;
	}

	get ended() {
		return hasEnded(this.status);
	}

	/** Whether the networks train right now. */
	get training() {
		return this.status === "running" && this.phase !== "starting" && this.phase !== "compiling";
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

	/** Take in an event. @type {(kind: string, data: any) => void} */
	hear(kind, data) {
		// A run that has ended, as the job says, went through its other states before.
		if (kind === "state" && (!hasEnded(this.job.status) || hasEnded(data.status))) {
			this.status = data.status;
			this.pace = null; // that of before a pause, say
		}
		if (kind === "state" || kind === "phase") this.phase = data.phase ?? null;
		if (kind === "warnings") this.warnings = data.warnings;
		// Where the file was deleted, the event has no points.
		if (kind === "data" && data.real) this.real = realOf(data, "rows" in (this.job.data ?? {}));
		else if (kind === "snapshot" && data.generated) this.frames.push(frameOf(data, this.job.model));
		else if (kind === "data" || kind === "snapshot") this.lost = true;
		if (kind === "progress") {
			this.pace = data.steps_per_second;
			this.#append(data.step, data.losses);
		}
		this.step = Math.max(this.step, data.step ?? 0);
	}

	/** Take the losses of every step in place of those that the events told. @param {LossHistory} history */
	learn(history) {
		const length = Math.max(0, ...Object.values(history.losses).map((values) => values.length));
		if (length < this.losses.steps.length) return;
		const steps = Array.from({ length }, (_, i) => history.first_step + 1 + i);
		this.losses = { steps, values: history.losses, version: this.losses.version + 1 };
		this.#join();
	}

	/**
	 * Take the losses of the run that it, or the last one of these, was forked from.
	 * @param {LossHistory} history
	 * @param {number} until the step of the fork
	 */
	inherit({ first_step, losses }, until) {
		const kept = Object.entries(losses).map(([name, values]) => [name, values.slice(0, until - first_step)]);
		const steps = Array.from({ length: until - first_step }, (_, i) => first_step + 1 + i);
		this.#before = joinedOf({ steps, values: Object.fromEntries(kept), version: 0 }, this.#before);
		this.forks.push(until);
		this.#join();
	}

	#join() {
		this.joined = this.#before ? joinedOf(this.#before, this.losses) : this.losses;
	}

	/** @type {(step: number, values: Record<string, number>) => void} */
	#append(step, values) {
		const { losses } = this;
		if (step <= (losses.steps.at(-1) ?? -1)) return;
		losses.steps.push(step);
		for (const [name, value] of Object.entries(values)) {
			losses.values[name] ??= [];
			losses.values[name].push(value);
		}
		losses.version += 1;
		if (this.#before) this.#join();
	}
}

/** @type {(first: Losses, then: Losses | undefined) => Losses} */
function joinedOf(first, then) {
	if (!then) return first;
	const values = Object.entries(first.values).map(([name, all]) => [name, [...all, ...(then.values[name] ?? [])]]);
	return { steps: [...first.steps, ...then.steps], values: Object.fromEntries(values), version: then.version };
}

/** @type {(data: any, own: boolean) => Real} */
function realOf({ real, dimensions, box, modes, mode_radius: radius }, own) {
	const points = pointsOf(real);
	/** @type {Interval[]} */
	const ranges = Array.from({ length: points.dimensions }, (_, axis) => {
		return box[axis] ?? extremes([0, 1, ...real.map((/** @type {number[]} */ point) => point[axis])]);
	});
	return { points, dimensions, box: ranges, modes, radius: radius ?? 0, own };
}

/** @type {(data: any, model: string | null) => Frame} */
function frameOf(data, model) {
	const { manifold, gradient } = data;
	const scores = data.scores ? Float32Array.from(data.scores.flat()) : null;
	return {
		step: data.step + (data.half ? 0.5 : 0), // half: the discriminator is ahead
		made: pointsOf(data.generated),
		scores,
		side: data.scores?.length ?? 0,
		range: scores ? rangeOf(scores, model) : [-1, 1],
		figures: data.figures ?? {},
		covered: data.covered ?? null,
		manifold: manifold ? { ...pointsOf(manifold.points.flat(), manifold), columns: manifold.points[0].length } : null,
		pull: gradient ? pointsOf(gradient.vectors, gradient) : null,
	};
}

/** Read points; those of views are whole numbers, to be scaled into the units of the data. */
/** @type {(rows: (number | null)[][], units?: {scale?: number[], offset?: number[]}) => Points} */
function pointsOf(rows, { scale = [], offset = [] } = {}) {
	const values = rows.flatMap((row) => row.map((one, k) => (one ?? NaN) * (scale[k] ?? 1) + (offset[k] ?? 0)));
	return { count: rows.length, dimensions: rows[0]?.length ?? 0, values: Float64Array.from(values) };
}

// Least squares aim at ±1. The level of a Wasserstein critic means nothing: only differences count.
/** @type {(scores: Float32Array, model: string | null) => Interval} */
function rangeOf(scores, model) {
	if (model === "simple_gan") return [-1, 1];
	const [low, high] = extremes(scores);
	const room = Math.max(0, 0.02 - (high - low)) / 2;
	return [low - room, high + room];
}
