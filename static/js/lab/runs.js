// The list of runs: those that a worker has first, then the newest. It keeps itself up to date.

import { byId, put } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { complain, forgive } from "./complaints.js";
import { mayChange, owner, showsAll } from "./owner.js";
import * as removal from "./removal.js";
import { Row } from "./row.js";
import { followJobs, list, lookFor, MOST, newest, tell } from "./service.js";
import { followVisit } from "./visit.js";
import { hasEnded } from "./words.js";

const PAGE = 12;
/** Jobs that a worker has: they lead the list. Those that wait for them may be many, and are newer. */
const HELD = ["running", "pausing", "cancelling"];
const TYPING_MS = 250;
const BEAT_MS = 2000;
const IDLE_BEATS = 5;

const place = byId("runs");
const search = byId("search", HTMLInputElement);

/** @type {Job[]} all that are known, in order */
let known = [];
/** @type {Map<string, Row>} */
let rows = new Map();
/** @type {string | null} */
let after = null;
let listed = 0; // how many of the newest ones
/** Ids of the run that is shown, and of those that are compared with it. @type {string[]} */
let shown = [];
let round = 0;
let isRefreshing = false;
let idle = 0; // beats in which nothing went on
let typing = 0;

/** Bring it up to date, now and from now on. */
export function keepUpToDate() {
	setInterval(tick, BEAT_MS);
	document.addEventListener("visibilitychange", beat);
	window.addEventListener("online", beat);
	void beat();
}

/** Mark the run that is shown, and those beside it; they are in the list, however old. @param {Job[]} jobs */
function mark(jobs) {
	shown = jobs.map(({ id }) => id);
	const all = [...known, ...jobs.filter(belongs)];
	if (all.length > 0) write(all); // else nothing is known yet
}

/** Look often while something goes on, and now and then for what others start. */
function tick() {
	const isBusy = known.some(({ status }) => !hasEnded(status) && status !== "paused");
	if (isBusy || ++idle % IDLE_BEATS === 0) void beat();
}

/** Bring the list up to date while the page is seen; never twice at a time. */
async function beat() {
	if (isRefreshing || document.hidden) return;
	isRefreshing = true;
	await refresh();
	isRefreshing = false;
}

function refresh() {
	const own = ++round;
	return attempt(async () => {
		const { jobs, next } = await newest(Math.max(PAGE, listed), which());
		const held = next && !which().search ? await list({ statuses: HELD, limit: MOST, ...which() }) : null;
		const found = [...jobs, ...(held?.jobs ?? [])];
		// The run that is shown is looked at, however old it is.
		const [id] = shown;
		const first = id ? (found.find((job) => job.id === id) ?? (await lookFor(id))) : undefined;
		if (own !== round) return; // a later one was faster
		after = next;
		listed = jobs.length;
		write(first && belongs(first) ? [...found, first] : found);
		if (first) tell(id, first);
	});
}

/** Which runs are listed. */
const which = () => ({ owner: showsAll() ? undefined : owner, search: search.value.trim() });

/** Whether a run is among them, however old. @param {Job} job */
const belongs = (job) => mayChange(job) && !which().search;

/** Other runs are wanted. */
async function anew() {
	listed = 0;
	await refresh();
	if (which().search) announce(`${rows.size}${after ? " or more" : ""} runs found.`);
}

async function bringMore() {
	round += 1;
	const { jobs, next } = await list({ limit: PAGE, after, ...which() });
	after = next;
	listed += jobs.length;
	write([...known, ...jobs]);
}

/** @param {Job[]} jobs in any order; of those that are there twice, the last counts */
function write(jobs) {
	known = inOrder(jobs);
	const here = known.filter(({ id }) => !removal.gone.has(id));
	const all = here.map((job, i) => {
		const row = rows.get(job.id) ?? new Row(job, showSelection);
		row.update(job, here[i + 1]);
		row.mark(job.id === shown[0], shown.includes(job.id));
		return row;
	});
	rows = new Map(all.map((row) => [row.job.id, row]));
	const isSame = all.length === place.children.length && all.every(({ element }, i) => element === place.children[i]);
	if (!isSame) place.replaceChildren(...all.map(({ element }) => element)); // else one would lose the focus
	const isSearch = Boolean(which().search);
	put(byId("more-runs"), { hidden: after === null });
	put(byId("runs-empty"), { hidden: all.length > 0 || isSearch });
	put(byId("runs-unfound"), { hidden: all.length > 0 || !isSearch });
	showSelection();
}

const selected = () => [...rows.values()].filter((row) => row.selected).map(({ job }) => job.id);

function showSelection() {
	const [chosen, deleted] = [selected().length, removal.undoable.length];
	put(byId("selection"), { hidden: chosen + deleted === 0 });
	put(byId("selection-text"), { textContent: chosen ? `${chosen} selected` : `${deleted} deleted` });
	put(byId("delete-selected"), { hidden: chosen === 0 });
	put(byId("undo-delete"), { hidden: chosen > 0 });
}

function remove() {
	const ids = selected().slice(0, MOST);
	removal.remove(ids);
	write(known);
	byId("undo-delete").focus();
	announce(`${ids.length} deleted. You can undo this for some seconds.`);
	for (const id of ids) tell(id, undefined);
}

function undo() {
	removal.undo();
	write(known);
	place.querySelector("button")?.focus();
}

/** @param {Promise<unknown>} deletion */
function forget(deletion) {
	showSelection();
	return attempt(async () => {
		await deletion;
		await refresh();
	});
}

/** @param {() => Promise<void>} task */
async function attempt(task) {
	try {
		await task();
		forgive("runs-error");
	} catch (error) {
		complain("runs-error", error, ""); // the list is asked for again anyway
	}
}

/** Order jobs: those that a worker has first, then the newest. @param {Job[]} jobs */
function inOrder(jobs) {
	const held = (/** @type {Job} */ job) => Number(HELD.includes(job.status));
	const once = [...new Map(jobs.map((job) => [job.id, job])).values()];
	return once.sort((a, b) => held(b) - held(a) || (a.created < b.created ? 1 : -1));
}

removal.begin(forget);
followVisit(mark);
followJobs((id, job) => job && rows.has(id) && write([...known, job]));
search.value = ""; // browsers like to remember what was typed
search.oninput = () => {
	clearTimeout(typing);
	typing = setTimeout(anew, TYPING_MS);
};
byId("whose").addEventListener("change", anew);
byId("more-runs").onclick = () => attempt(bringMore);
byId("delete-selected").onclick = remove;
byId("undo-delete").onclick = undo;
