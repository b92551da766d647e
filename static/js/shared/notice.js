// What the page says: errors for all to see, with a way out; events for those who listen to the page.

import { ServiceError } from "./api.js";
import { byId } from "./dom.js";

const retry = byId("notice-retry");
const close = byId("notice-close");

/** @type {(() => void) | undefined} */
let again;

/** Show a message until it is dismissed or cleared. @type {(message: string, tryAgain?: () => void) => void} */
export function show(message, tryAgain) {
	again = tryAgain;
	byId("notice-text").textContent = message;
	retry.hidden = !tryAgain;
	close.hidden = message === "";
}

/** Take the message away. */
export const clear = () => show("");

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
	byId("status").textContent = message;
}

retry.onclick = () => {
	const task = again;
	clear();
	task?.();
};
close.onclick = clear;
window.addEventListener("online", () => retry.hidden || retry.click());
