// A run that is followed: its events come in, and what the service says about it as a whole.

import { ServiceError } from "../shared/api.js";
import { Run } from "./run.js";
import { history, look } from "./service.js";
import { hasEnded } from "./words.js";

/** @import { Feed } from "./feed.js" */

/** The losses of every single step of longer runs would be too much for a page. */
const MOST_STEPS = 50_000;
const CALM_MS = 100;
const MOST_ANCESTORS = 5;

export class Followed {
	#closed = false;
	#whole = false; // every loss was asked for
	/** @type {number | undefined} */
	#timer;
	/** Whether no events come. */
	deaf = false;

	/**
	 * @param {Job} job
	 * @param {new (...of: ConstructorParameters<typeof Feed>) => {close(): void}} Source where its events come from
	 * @param {() => void} onChange there is something new to show
	 * @param {(run: Run) => void} onJob the service's word about the run is new
	 * @param {(id: string) => void} onGone the run was deleted
	 */
	constructor(job, Source, onChange, onJob, onGone) {
		this.run = new Run(job);
		this.onChange = onChange;
		this.onJob = onJob;
		this.onGone = onGone;
		this.feed = new Source(
			job.id,
			(kind, data) => this.#hear(kind, data),
			(broken) => void this.#mind(broken),
		);
		void this.#inherit();
	}

	/** Follow it no longer. */
	close() {
		this.#closed = true;
		this.feed.close();
		clearTimeout(this.#timer);
	}

	/** Take in what the service says about the run. @param {Job} job */
	update(job) {
		this.run.update(job, this.deaf);
		this.onJob(this.run);
		this.onChange();
	}

	/** @type {(kind: string, data: any) => void} */
	#hear(kind, data) {
		this.run.hear(kind, data);
		this.onChange();
		if (!["state", "phase", "warnings"].includes(kind)) return;
		clearTimeout(this.#timer); // a run that is caught up with changes its state many times at once
		this.#timer = setTimeout(() => void this.#refresh(), CALM_MS);
	}

	async #refresh() {
		const { run } = this;
		const job = hasEnded(run.job.status) ? undefined : await look(run.job.id).catch(() => undefined);
		if (this.#closed) return;
		if (job) run.update(job, this.deaf);
		this.onJob(run); // also where an answer to an action was ahead of the stream
		this.onChange();
		if (run.ended) await this.#complete();
	}

	async #complete() {
		const { run } = this;
		if (run.job.steps > MOST_STEPS || this.#whole) return;
		this.#whole = true; // events of a slow stream may end it twice, and it may be deleted by then
		const losses = await history(run.job.id).catch(() => undefined);
		if (!losses || this.#closed) return;
		run.learn(losses);
		this.onChange();
	}

	/** Ask for the losses before a fork: those of the run that it was forked from, and of whose fork that is. */
	async #inherit() {
		let { parent } = this.run.job;
		for (let i = 0; parent && i < MOST_ANCESTORS; i++) {
			const { id, step } = parent;
			const job = await look(id).catch(() => undefined);
			const losses = job && job.steps <= MOST_STEPS && (await history(id).catch(() => undefined));
			if (!losses || this.#closed) return; // it was deleted, or is too long
			this.run.inherit(losses, step);
			this.onChange();
			parent = job.parent;
		}
	}

	/** @param {boolean} broken */
	async #mind(broken) {
		if (this.#closed) return;
		this.deaf = broken;
		this.onChange();
		if (!broken) return;
		const { id } = this.run.job;
		const error = await look(id).catch((reason) => reason);
		if (error instanceof ServiceError && error.status === 404 && !this.#closed) this.onGone(id);
	}
}
