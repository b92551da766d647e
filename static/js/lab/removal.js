// Deleting runs in a way that can be undone: for some seconds nobody but this page knows of it.

import { deleteJobs } from "./service.js";

const UNDO_MS = 10_000;

/** Ids of runs that are deleted, or will be unless that is undone. @type {Set<string>} */
export const gone = new Set();
/** Those of them that can come back. @type {string[]} */
export let undoable = [];
let timer = 0;
/** @type {(deletion: Promise<unknown>) => void} */
let onEnd;

/** Call back when nothing can be undone any more: the service is being asked. @param {typeof onEnd} end */
export function begin(end) {
	onEnd = end;
	window.addEventListener("pagehide", finish); // what was deleted is deleted
}

/** @param {string[]} ids */
export function remove(ids) {
	finish();
	for (const id of ids) gone.add(id);
	undoable = ids;
	timer = setTimeout(finish, UNDO_MS);
}

/** Keep the runs after all. */
export function undo() {
	restore(undoable);
	undoable = [];
}

/** Delete them for good, now. */
function finish() {
	clearTimeout(timer);
	const ids = undoable;
	undoable = [];
	if (ids.length === 0) return;
	onEnd(
		deleteJobs(ids).catch((error) => {
			restore(ids);
			throw error;
		}),
	);
}

/** @param {string[]} ids of runs that are still there */
function restore(ids) {
	for (const id of ids) gone.delete(id);
}
