// Whose runs those of this browser are, and whose the page is about. It is no secret and protects nothing.

const OWNER = "nobody-owner";
const WHOSE = "nobody-whose-runs";

/** What stands for this browser; where nothing can be kept, for this page. */
export const owner = known(OWNER) ?? keep(OWNER, fresh());

/** Whether the page is about everybody's runs. */
let all = known(WHOSE) === "all";

export const showsAll = () => all;

/** @param {boolean} wanted whether the page shall be about everybody's runs */
export function showAll(wanted) {
	all = wanted;
	keep(WHOSE, all ? "all" : "mine");
}

/** @type {(job: Job) => boolean} whether a run was started in this browser */
export const isMine = (job) => job.owner === owner;

/** @type {(job: Job) => boolean} whether the page offers to steer, rename and delete a run */
export const mayChange = (job) => all || isMine(job);

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

function fresh() {
	return `browser-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (part) => part.toString(16).padStart(2, "0")).join("")}`;
}
