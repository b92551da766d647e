// The list of runs: those that a worker has first, then the newest.

import { ServiceError } from "../shared/api.js";
import { byId, put } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { complain, forgive } from "./complaints.js";
import { mayChange, owner, showAll, showsAll } from "./owner.js";
import { Removal } from "./removal.js";
import { Row } from "./row.js";
import { list, look, MOST, newest } from "./service.js";
import { hasEnded, titleOf } from "./words.js";

const FEWEST = 12;
/** Jobs that a worker has: they lead the list. Those that wait for them may be many, and are newer. */
const HELD = ["running", "pausing", "cancelling"];
const TYPING_MS = 250;

export class RunList {
	#list = byId("runs");
	#more = byId("more-runs");
	#search = byId("search", HTMLInputElement);
	#whose = byId("whose", HTMLSelectElement);
	/** @type {Map<string, Row>} */
	#rows = new Map();
	/** @type {string | null} */
	#next = null;
	/** @type {string | null} */
	#shown = null;
	/** @type {Job[]} those that are compared with it */
	#others = [];
	#round = 0;
	#listed = 0; // how many of the newest ones
	/** @type {number | undefined} */
	#typing;
	/** Runs that are deleted, or will be unless that is undone. @type {Set<string>} */
	#gone = new Set();
	#removal = new Removal((task) => void this.#forget(task));

	/**
	 * @param {(job: Job) => void} onPick
	 * @param {(id: string) => void} onGone the run that is shown was deleted
	 * @param {(job: Job) => void} onNews of the run that is shown
	 * @param {(job: Job) => void} onCompare show it beside the one that is shown, or no longer
	 */
	constructor(onPick, onGone, onNews, onCompare) {
		this.onPick = onPick;
		this.onGone = onGone;
		this.onNews = onNews;
		this.onCompare = onCompare;
		this.#more.addEventListener("click", () => void this.#attempt(() => this.#bringMore()));
		this.#whose.value = showsAll() ? "all" : "mine";
		this.#whose.addEventListener("change", () => {
			showAll(this.#whose.value === "all");
			void this.#anew();
		});
		this.#search.value = ""; // browsers like to remember what was typed
		this.#search.addEventListener("input", () => {
			clearTimeout(this.#typing);
			this.#typing = setTimeout(() => void this.#anew(), TYPING_MS);
		});
		byId("delete-selected").addEventListener("click", () => this.#delete());
		byId("undo-delete").addEventListener("click", () => this.#undo());
	}

	/** Whether a run in the list goes on. */
	get busy() {
		return this.#jobs.some(({ status }) => !hasEnded(status) && status !== "paused");
	}

	/** Bring the list up to date. */
	async refresh() {
		const round = ++this.#round;
		await this.#attempt(async () => {
			const { jobs, next } = await newest(Math.max(FEWEST, this.#listed), this.#which);
			const held = next && !this.#which.search ? await list({ statuses: HELD, limit: MOST, ...this.#which }) : null;
			const found = [...jobs, ...(held?.jobs ?? [])];
			const shown = await this.#lookAtShown(found);
			if (round !== this.#round) return; // a later one was faster
			this.#next = next;
			this.#listed = jobs.length;
			this.#put([...found, ...shown.filter((job) => this.#belongs(job))]);
			if (shown[0]) this.onNews(shown[0]);
		});
	}

	/** Show what is known of a job, without asking. @param {Job} job */
	update(job) {
		const known = this.#rows.has(job.id);
		if (known || this.#belongs(job)) this.#put([job, ...this.#jobs.filter(({ id }) => id !== job.id)]);
	}

	/** Mark the run that is shown, and those beside it. @type {(id: string | null, others?: Job[]) => void} */
	mark(id, others = this.#others) {
		[this.#shown, this.#others] = [id, others];
		const beside = others.map((job) => job.id);
		for (const row of this.#rows.values()) row.mark(row.job.id === id, beside.includes(row.job.id));
	}

	/** Which runs are listed. */
	get #which() {
		return { owner: showsAll() ? undefined : owner, search: this.#search.value.trim() };
	}

	/** Whether a run is among them, however old. @param {Job} job */
	#belongs(job) {
		return mayChange(job) && !this.#which.search;
	}

	get #jobs() {
		return [...this.#rows.values()].map(({ job }) => job);
	}

	/** Other runs are wanted. */
	async #anew() {
		this.#listed = 0;
		await this.refresh();
		if (this.#which.search) announce(`${this.#rows.size}${this.#next ? " or more" : ""} runs found.`);
	}

	/**
	 * The run that is shown is looked at, however old it is.
	 * @param {Job[]} jobs
	 * @returns {Promise<Job[]>} that one, if it is still there
	 */
	async #lookAtShown(jobs) {
		const id = this.#shown;
		if (id === null) return [];
		const found = jobs.find((job) => job.id === id);
		if (found) return [found];
		try {
			return [await look(id)];
		} catch (error) {
			if (!(error instanceof ServiceError) || error.status !== 404) throw error;
			if (id === this.#shown) this.onGone(id);
			return [];
		}
	}

	async #bringMore() {
		this.#round += 1;
		const { jobs, next } = await list({ after: this.#next, ...this.#which });
		this.#next = next;
		this.#listed += jobs.length;
		this.#put([...this.#jobs, ...jobs]);
	}

	/** @param {Job[]} jobs in any order, some perhaps twice */
	#put(jobs) {
		const ordered = inOrder(jobs).filter(({ id }) => !this.#gone.has(id));
		const rows = ordered.map((job, i) => {
			const row = this.#rows.get(job.id) ?? this.#newRow(job);
			row.update(job, ordered[i + 1]);
			return row;
		});
		this.#rows = new Map(rows.map((row) => [row.job.id, row]));
		this.mark(this.#shown);
		const { children } = this.#list;
		const isSame = rows.length === children.length && rows.every(({ element }, i) => element === children[i]);
		if (!isSame) this.#list.replaceChildren(...rows.map(({ element }) => element)); // else one would lose the focus
		put(this.#more, { hidden: this.#next === null });
		put(byId("runs-empty"), { hidden: rows.length > 0 || Boolean(this.#which.search) });
		put(byId("runs-unfound"), { hidden: rows.length > 0 || !this.#which.search });
		this.#showSelection();
	}

	/** @param {Job} job */
	#newRow(job) {
		const named = (/** @type {Job} */ renamed) => {
			announce(`The run is called ${titleOf(renamed)}.`);
			this.update(renamed);
			if (renamed.id === this.#shown) this.onNews(renamed);
		};
		return new Row(job, this.onPick, this.onCompare, () => this.#showSelection(), named);
	}

	get #selected() {
		return [...this.#rows.values()].filter(({ selected }) => selected).map(({ job }) => job);
	}

	#showSelection() {
		const [selected, deleted] = [this.#selected.length, this.#removal.jobs.length];
		put(byId("selection"), { hidden: selected + deleted === 0 });
		put(byId("selection-text"), { textContent: selected ? `${selected} selected` : `${deleted} deleted` });
		put(byId("delete-selected"), { hidden: selected === 0 });
		put(byId("undo-delete"), { hidden: selected > 0 });
	}

	#delete() {
		const jobs = this.#selected.slice(0, MOST);
		for (const { id } of jobs) this.#gone.add(id);
		this.#removal.begin(jobs);
		this.#put(this.#jobs);
		byId("undo-delete").focus();
		announce(`${jobs.length} deleted. You can undo this for some seconds.`);
		for (const { id } of jobs) this.onGone(id);
	}

	#undo() {
		const jobs = this.#removal.undo();
		for (const { id } of jobs) this.#gone.delete(id);
		this.#put([...this.#jobs, ...jobs]);
		this.#list.querySelector("button")?.focus();
	}

	/** @param {Promise<unknown>} task the deletion, which nothing can undo any more */
	async #forget(task) {
		this.#showSelection();
		const ids = [...this.#gone];
		await this.#attempt(async () => {
			try {
				await task;
			} catch (error) {
				for (const id of ids) this.#gone.delete(id); // they are still there
				throw error;
			}
			await this.refresh();
		});
	}

	/** @param {() => Promise<void>} task */
	async #attempt(task) {
		try {
			await task();
			forgive("runs-error");
		} catch (error) {
			complain("runs-error", error, "forget"); // the list is asked for again anyway
		}
	}
}

/** Order jobs: those that a worker has first, then the newest; each once. @param {Job[]} jobs */
function inOrder(jobs) {
	const held = (/** @type {Job} */ job) => Number(HELD.includes(job.status));
	const once = [...new Map(jobs.map((job) => [job.id, job])).values()];
	return once.sort((a, b) => held(b) - held(a) || (a.created < b.created ? 1 : -1));
}
