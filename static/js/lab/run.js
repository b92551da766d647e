// A run: what its events add up to.

import { extremes } from "./stretches.js";
import { hasEnded } from "./words.js";

export class Run {
	/** @type {Real | undefined} */
	real;
	/** @type {Frame[]} */
	frames = [];
	/** Its own, after those of the runs that it was forked from. @type {Losses} */
	losses = { steps: [], values: {} };
	/** Where it and these went on from another run. @type {number[]} */
	forks = [];
	/** @type {number | null} steps a second */
	pace = null;
	/** Whether files of its pictures were deleted. */
	lost = false;
	/** Whether no events come. */
	deaf = false;

	/** @param {Job} job */
	constructor(job) {
		this.job = job;
		this.status = job.status;
		this.step = job.step;
		this.half = job.half;
		/** What it is at while it runs. */
		this.phase = job.phase;
		/** What is wrong with the training, by name. */
		this.warnings = job.warnings;
	}

	/** The step before the first one whose losses are known. */
	get first() {
		return Math.min(this.job.first_step, (this.losses.steps[0] ?? Infinity) - 1);
	}

	get ended() {
		return hasEnded(this.status);
	}

	/** Whether the networks train right now. */
	get training() {
		return this.status === "running" && this.phase !== "starting" && this.phase !== "compiling";
	}

	/** Take in what the service says about the run as a whole. How it goes, events tell, which may be ahead. @param {Job} job */
	update(job) {
		this.job = job;
		if (!this.deaf) return;
		this.status = job.status;
		this.phase = job.phase;
		this.warnings = job.warnings;
		this.step = Math.max(this.step, job.step);
		this.half = job.half;
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
		if (kind === "snapshot") this.half = data.half === true;
	}

	/**
	 * Take the losses of every step, of this run or, up to a fork, of one before it. What is known of other steps stays.
	 * @type {(history: LossHistory, until?: number) => void}
	 */
	learn({ first_step, losses }, until = Infinity) {
		const length = Math.min(until - first_step, Object.values(losses)[0]?.length ?? 0);
		const { steps, values } = this.losses;
		const [from, to] = [first_step, first_step + length].map((end) => steps.filter((step) => step <= end).length);
		/** @type {(known: number[], news: number[]) => number[]} */
		const join = (known, news) => [...known.slice(0, from), ...news.slice(0, length), ...known.slice(to)];
		const names = Object.keys(losses).map((name) => [name, join(values[name] ?? [], losses[name])]);
		this.losses = {
			steps: join(
				steps,
				Array.from({ length }, (_, i) => first_step + 1 + i),
			),
			values: { ...values, ...Object.fromEntries(names) },
		};
	}

	/** @type {(step: number, losses: Record<string, number>) => void} */
	#append(step, losses) {
		const { steps, values } = this.losses;
		if (step <= (steps.at(-1) ?? 0)) return;
		steps.push(step);
		for (const [name, value] of Object.entries(losses)) {
			values[name] ??= [];
			values[name].push(value);
		}
	}
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
		figures: data.figures,
		covered: data.covered,
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
