// What the page says: errors for all to see, with a way out; events for those who listen to the page.

import { ServiceError } from "./api.js";
import { byId } from "./dom.js";

const box = byId("notice");
const text = byId("notice-text");
const retry = byId("notice-retry", HTMLButtonElement);
const close = byId("notice-close", HTMLButtonElement);
const status = byId("status");

/** @type {(() => void) | undefined} */
let again;

/**
 * Show a message until it is dismissed or cleared.
 * @param {string} message
 * @param {() => void} [tryAgain] offered as a button
 */
export function show(message, tryAgain) {
	again = tryAgain;
	text.textContent = message;
	retry.hidden = !tryAgain;
	close.hidden = message === "";
	box.classList.toggle("shown", message !== "");
}

/** Take the message away. */
export function clear() {
	show("");
}

/** Run a task. Where it fails, say so and offer it again. @type {(task: () => Promise<unknown>) => Promise<void>} */
export async function guard(task) {
	try {
		await task();
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		show(error.message, () => guard(task));
	}
}

/** Tell screen readers what happened. @param {string} message */
export function announce(message) {
	status.textContent = message;
}

retry.addEventListener("click", () => {
	const task = again;
	clear();
	task?.();
});
close.addEventListener("click", clear);
window.addEventListener("online", () => retry.hidden || retry.click());
