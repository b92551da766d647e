// What is wrong, said beside what it is about. That the service cannot be reached is said only until it can.

import { followService, ServiceError } from "../shared/api.js";
import { byId } from "../shared/dom.js";

const AGAIN = "The server can be reached again; please try once more.";

/** @type {Map<string, "retry" | "forget">} what to say in each box when the service is back */
const passing = new Map();

/**
 * Say what is wrong.
 * @param {string} id of the box
 * @param {unknown} problem a ServiceError or a text; other errors are thrown on
 * @param {"retry" | "forget"} then when the service is back: that the reader should try again, or nothing
 */
export function complain(id, problem, then = "retry") {
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

/**
 * @param {string} id
 * @param {string} message empty hides the box
 */
function write(id, message) {
  const box = byId(id);
  if (box.textContent !== message || box.hidden) box.textContent = message; // else screen readers would say it again
  box.hidden = message === "";
}

followService((reached) => {
  if (!reached) return;
  for (const [id, then] of passing) write(id, then === "retry" ? AGAIN : "");
  passing.clear();
});
