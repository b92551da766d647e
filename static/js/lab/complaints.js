// What is wrong, said beside what it is about. That the service cannot be reached is said only until it can.

import { followService, ServiceError } from "../shared/api.js";
import { byId, make } from "../shared/dom.js";
import { settingOf } from "./settings.js";

const AGAIN = "The server can be reached again; please try once more.";

/** @type {Map<string, string>} what to say in each box when the service is back */
const passing = new Map();

/**
 * Say what is wrong: a ServiceError or a text; other errors are thrown on.
 * @type {(id: string, problem: unknown, then?: string) => void} the box, and what it says when the service is back
 */
export function complain(id, problem, then = AGAIN) {
	if (problem instanceof Error && !(problem instanceof ServiceError)) throw problem;
	passing.delete(id);
	if (problem instanceof ServiceError && problem.passes) passing.set(id, then);
	write(id, problem instanceof Error ? problem.message : String(problem));
}

/** Take a complaint away. @param {string} id of the box */
export function forgive(id) {
	passing.delete(id);
	write(id, "");
}

/** @type {(id: string, message: string) => void} */
function write(id, message) {
	const box = byId(id);
	if (box.textContent !== message || box.hidden) box.textContent = message; // else screen readers would say it again
	box.hidden = message === "";
}

followService((reached) => {
	if (!reached) return;
	for (const [id, then] of passing) write(id, then);
	passing.clear();
});

/** Find which settings a refusal is about, and what is wrong with each. @param {ServiceError} error */
export function complaintsOf(error) {
	if (error.message.startsWith("the job would not fit")) return new Map([["gen_shape", error.message]]);
	const path = error.message.match(/^(?:[a-z_.× ]+: )+/)?.[0] ?? "";
	const errors = error.errors.length > 0 ? error.errors : [{ field: path, message: error.message }];
	/** @type {Map<string, string>} */
	const found = new Map();
	for (const { field, message } of errors) {
		const name = settingOf(field);
		if (name && !found.has(name)) found.set(name, message.replace(path, ""));
	}
	return found;
}

/** Say what is wrong beside a field. @type {(field: Element, message: string) => void} */
export function blame(field, message) {
	const note = make("p", { className: "error", id: `${field.id}-error`, role: "alert" }, message);
	field.closest(".setting")?.append(note);
	field.ariaInvalid = "true";
	field.setAttribute("aria-errormessage", note.id);
}

/** Take what is said beside a field away. @param {Element} field */
export function pardon(field) {
	if (!field.ariaInvalid) return;
	field.ariaInvalid = null;
	field.removeAttribute("aria-errormessage");
	byId(`${field.id}-error`).remove();
}
