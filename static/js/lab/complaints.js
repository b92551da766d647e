// What is wrong, said beside what it is about. That the service cannot be reached is said only until it can.

import { ServiceError } from "../api.js";
import { byId } from "../dom.js";
import { followService, Refusal } from "./service.js";

const AGAIN = "The server can be reached again; please try once more.";

/** @type {Map<string, "retry" | "forget">} what to say in each box when the service is back */
const passing = new Map();

/**
 * Say what is wrong.
 * @param {string} id of the box
 * @param {string | Error} problem
 * @param {"retry" | "forget"} then when the service is back: that the reader should try again, or nothing
 */
export function complain(id, problem, then = "retry") {
  if (problem instanceof Error && !(problem instanceof ServiceError)) throw problem;
  passing.delete(id);
  if (problem instanceof Refusal && problem.passes) passing.set(id, then);
  write(id, problem instanceof Error ? problem.message : problem);
}

/**
 * Take a complaint away.
 * @param {string} id of the box
 */
export function forgive(id) {
  passing.delete(id);
  hide(id);
}

/** @param {string} id */
function hide(id) {
  const box = byId(id, HTMLElement);
  box.hidden = true;
  box.textContent = "";
}

/**
 * @param {string} id
 * @param {string} message
 */
function write(id, message) {
  const box = byId(id, HTMLElement);
  if (box.hidden || box.textContent !== message) box.textContent = message;
  box.hidden = false;
}

followService((reached) => {
  if (!reached) return;
  for (const [id, then] of passing) {
    if (then === "retry") write(id, AGAIN);
    else hide(id);
  }
  passing.clear();
});
