// The events of a job, picked up again where they broke off. A browser has six connections to a server, for all its tabs,
// and a stream holds one: so a page has one stream, while it is seen; what else it follows, it asks for.

import { eventsAfter, jobUrl } from "./service.js";
import { hasEnded } from "./words.js";

const KINDS = ["state", "phase", "data", "progress", "snapshot", "warnings"];
const AGAIN_MS = 2000;
const POLL_MS = 700;
/** So many events at once are of what has been: there may be more. */
const MANY = 50;

/** Gives every event of a job once and in order, until the job has ended or the feed is closed. */
export class Feed {
	#last = 0;
	#closed = false;
	/** @type {EventSource | undefined} */
	#source;
	/** @type {number | undefined} */
	#timer;

	/**
	 * @param {string} id
	 * @param {(kind: string, data: any) => void} onEvent
	 * @param {(broken: boolean) => void} onTrouble the connection broke, or stands again; the feed keeps trying
	 */
	constructor(id, onEvent, onTrouble) {
		this.id = id;
		this.onEvent = onEvent;
		this.onTrouble = onTrouble;
		document.addEventListener("visibilitychange", this.#turn);
		this.#turn();
	}

	/** Stop listening. */
	close() {
		this.#closed = true;
		document.removeEventListener("visibilitychange", this.#turn);
		this.#silence();
	}

	#silence() {
		this.#source?.close();
		clearTimeout(this.#timer);
	}

	#turn = () => {
		this.#silence();
		if (!document.hidden) this.#open();
	};

	#open() {
		const source = new EventSource(jobUrl(this.id, `/events?after=${this.#last}`));
		this.#source = source;
		for (const kind of KINDS) source.addEventListener(kind, (event) => this.#hear(kind, event));
		source.addEventListener("open", () => this.onTrouble(false));
		source.addEventListener("error", () => {
			if (this.#closed || document.hidden) return;
			this.onTrouble(true);
			// The browser itself tries again only where nobody answered; after a refusal, we do.
			if (source.readyState !== EventSource.CLOSED) return;
			this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
		});
	}

	/** @type {(kind: string, event: MessageEvent) => void} */
	#hear(kind, event) {
		const number = Number(event.lastEventId);
		if (this.#closed || number <= this.#last) return;
		this.#last = number;
		const data = JSON.parse(event.data);
		if (kind === "state" && hasEnded(data.status)) this.close();
		this.onEvent(kind, data);
	}
}

/** Gives the same events, and holds no connection: it asks for them. */
export class Poll {
	#closed = false;

	/** @param {ConstructorParameters<typeof Feed>} of */
	constructor(...of) {
		void this.#ask(...of);
	}

	close() {
		this.#closed = true;
	}

	/** @param {ConstructorParameters<typeof Feed>} of */
	async #ask(...[id, onEvent, onTrouble]) {
		for (let last = 0, broken = false; !this.#closed; ) {
			const page = await eventsAfter(id, last).catch(() => undefined);
			if (this.#closed) return;
			if (broken !== !page) onTrouble(!page);
			broken = !page;
			for (const { event, data } of page?.events ?? []) onEvent(event, data);
			if (page?.ended) return;
			last = page?.last ?? last;
			if ((page?.events.length ?? 0) < MANY) await pause(page?.events.length ? POLL_MS : AGAIN_MS);
			if (document.hidden) await seen();
		}
	}
}

/** @param {number} time in milliseconds */
const pause = (time) => new Promise((then) => setTimeout(then, time));

const seen = () => new Promise((then) => document.addEventListener("visibilitychange", then, { once: true }));
