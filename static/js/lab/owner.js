// Whose runs those of this browser are, and whose the page is about. It is no secret and protects nothing.

import { byId } from "../shared/dom.js";
import { freshKey } from "./service.js";

const OWNER = "nobody-owner";
const WHOSE = "nobody-whose-runs";

/** What stands for this browser; where nothing can be kept, for this page. */
export const owner = known(OWNER) ?? keep(OWNER, `browser-${freshKey().slice(0, 12)}`);

const whose = byId("whose", HTMLSelectElement);
whose.value = known(WHOSE) ?? "mine";
whose.addEventListener("change", () => keep(WHOSE, whose.value));

/** Whether the page is about everybody's runs. */
export const showsAll = () => whose.value === "all";

/** @type {(job: Job) => boolean} whether a run was started in this browser */
export const isMine = (job) => job.owner === owner;

/** @type {(job: Job) => boolean} whether the page offers to steer, rename and delete a run */
export const mayChange = (job) => showsAll() || isMine(job);

/** @param {string} key */
function known(key) {
	try {
		return localStorage.getItem(key);
	} catch {
		return null; // storage is forbidden
	}
}

/** @type {(key: string, value: string) => string} */
function keep(key, value) {
	try {
		localStorage.setItem(key, value);
	} catch {
		// storage is forbidden, or full
	}
	return value;
}
