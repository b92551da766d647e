// Deleting runs in a way that can be undone: for some seconds nobody but this page knows of it.

import { deleteJobs } from "./service.js";

const UNDO_MS = 10_000;

export class Removal {
	/** The runs that are on their way out. @type {Job[]} */
	jobs = [];
	/** @type {number | undefined} */
	#timer;

	/** @param {(task: Promise<unknown>) => void} onEnd nothing can be undone any more: the service is being asked */
	constructor(onEnd) {
		this.onEnd = onEnd;
		window.addEventListener("pagehide", () => this.finish()); // what was deleted is deleted
	}

	/** @param {Job[]} jobs */
	begin(jobs) {
		this.finish();
		this.jobs = jobs;
		this.#timer = setTimeout(() => this.finish(), UNDO_MS);
	}

	/** Keep the runs after all. */
	undo() {
		clearTimeout(this.#timer);
		const { jobs } = this;
		this.jobs = [];
		return jobs;
	}

	/** Delete them for good, now. */
	finish() {
		const ids = this.undo().map(({ id }) => id);
		if (ids.length > 0) this.onEnd(deleteJobs(ids));
	}
}
