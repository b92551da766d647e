// What the page says: errors for all to see, with a way out; events for those who listen to the page.

import { ServiceError } from "./api.js";
import { byId } from "./dom.js";

const box = byId("notice", HTMLElement);
const text = byId("notice-text", HTMLElement);
const retry = byId("notice-retry", HTMLButtonElement);
const close = byId("notice-close", HTMLButtonElement);
const status = byId("status", HTMLElement);

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
  close.hidden = false;
  box.classList.add("shown");
}

/** Take the message away. */
export function clear() {
  again = undefined;
  text.textContent = "";
  retry.hidden = true;
  close.hidden = true;
  box.classList.remove("shown");
}

/**
 * Run a task; say so where it fails.
 * @param {() => Promise<unknown>} task offered again as a button
 * @returns {Promise<void>}
 */
export async function guard(task) {
  try {
    await task();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    show(error.message, () => guard(task));
  }
}

/**
 * Tell screen readers what happened.
 * @param {string} message
 */
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
