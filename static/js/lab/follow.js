// A run that is followed: its events come in, each once and in order, and what the service says about it as a whole.
// A browser has six connections to a server, for all its tabs, and a stream of events holds one: so a page has one
// stream, while it is seen; for the events of other runs it asks.

import { Run } from "./run.js";
import { eventsAfter, history, jobUrl, lookFor } from "./service.js";
import { hasEnded } from "./words.js";

const KINDS = ["state", "phase", "data", "progress", "snapshot", "warnings"];
const AGAIN_MS = 2000;
const POLL_MS = 700;
/** So many events at once are of what has been: there may be more. */
const MANY = 50;
const CALM_MS = 100;
/** The losses of every single step of longer runs would be too much for a page. */
const MOST_STEPS = 50_000;
const MOST_ANCESTORS = 5;

export class Followed {
	#last = 0; // number of an event
	#isThrough = false; // no more events are wanted
	#isWhole = false; // every loss was asked for, or none is wanted
	/** @type {EventSource | undefined} */
	#stream;
	#again = 0;
	#refreshing = 0;

	/** @param {Job} job @param {boolean} streams whether it may hold a connection @param {() => void} onChange */
	constructor(job, streams, onChange) {
		this.run = new Run(job);
		this.streams = streams;
		this.onChange = onChange;
		document.addEventListener("visibilitychange", this.#open);
		this.#open();
		void this.#inherit();
	}

	close() {
		this.#isWhole = true;
		this.#end();
		clearTimeout(this.#refreshing);
	}

	/** Take in what the service says about the run. @param {Job} job */
	update(job) {
		this.run.update(job);
		this.onChange();
	}

	#end() {
		this.#isThrough = true;
		document.removeEventListener("visibilitychange", this.#open);
		this.#pause();
	}

	#pause() {
		this.#stream?.close();
		clearTimeout(this.#again);
	}

	#open = () => {
		this.#pause();
		if (document.hidden) return;
		if (this.streams) this.#listen();
		else void this.#ask();
	};

	#listen() {
		const stream = new EventSource(jobUrl(this.run.job.id, `/events?after=${this.#last}`));
		this.#stream = stream;
		for (const kind of KINDS) {
			stream.addEventListener(kind, ({ lastEventId, data }) => this.#hear(Number(lastEventId), kind, JSON.parse(data)));
		}
		stream.onopen = () => this.#mind(false);
		stream.onerror = () => {
			this.#mind(true);
			// The browser itself tries again only where nobody answered; after a refusal, we do.
			if (stream.readyState === EventSource.CLOSED) this.#again = setTimeout(this.#open, AGAIN_MS);
		};
	}

	async #ask() {
		const page = await known(eventsAfter(this.run.job.id, this.#last));
		if (this.#isThrough) return;
		this.#mind(!page);
		for (const { id, event, data } of page?.events ?? []) this.#hear(id, event, data);
		if (page?.ended) return this.#end();
		const found = page?.events.length ?? 0;
		clearTimeout(this.#again); // the page may have been seen again, and asked, meanwhile
		this.#again = setTimeout(this.#open, found >= MANY ? 0 : found ? POLL_MS : AGAIN_MS);
	}

	/** Take note of whether events come. @param {boolean} broken */
	#mind(broken) {
		if (broken !== this.run.deaf) this.onChange();
		this.run.deaf = broken;
		if (broken) void known(lookFor(this.run.job.id)); // it may be deleted
	}

	/** @type {(number: number, kind: string, data: any) => void} */
	#hear(number, kind, data) {
		if (number <= this.#last) return;
		this.#last = number;
		this.run.hear(kind, data);
		this.onChange();
		if (kind === "state" && hasEnded(data.status)) this.#end();
		if (!["state", "phase", "warnings"].includes(kind)) return;
		clearTimeout(this.#refreshing); // a run that is caught up with changes its state many times at once
		this.#refreshing = setTimeout(() => this.#refresh(), CALM_MS);
	}

	async #refresh() {
		const { job } = this.run;
		if (!hasEnded(job.status)) await known(lookFor(job.id));
		// Events may end it twice, and it may be deleted by then.
		if (!this.run.ended || this.#isWhole) return;
		this.#isWhole = true;
		await this.#learn(job);
	}

	/** Ask for the losses before a fork: those of the run that it was forked from, and of whose fork that is. */
	async #inherit() {
		let { parent } = this.run.job;
		for (let i = 0; parent && i < MOST_ANCESTORS; i++) {
			const job = await known(lookFor(parent.id));
			if (!job || !(await this.#learn(job, parent.step))) return;
			this.run.forks.push(parent.step);
			parent = job.parent;
		}
	}

	/** Ask for the losses of every step up to one. @type {(job: Job, until?: number) => Promise<boolean>} whether they came */
	async #learn({ id, steps }, until) {
		const losses = steps <= MOST_STEPS && (await known(history(id)));
		if (!losses) return false;
		this.run.learn(losses, until);
		this.onChange();
		return true;
	}
}

/** @type {<Answer>(asked: Promise<Answer>) => Promise<Answer | undefined>} what is not answered is not known */
const known = (asked) => asked.catch(() => undefined);
