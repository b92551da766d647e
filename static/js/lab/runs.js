// The list of runs, newest first.

import { ServiceError } from "../api.js";
import { byId } from "../dom.js";
import { announce } from "../notice.js";
import { stateName, titleOf } from "./report.js";
import { forget, list } from "./service.js";
import { count, hasEnded } from "./words.js";

/** @typedef {import("./service.js").Job} Job */

const REFRESH_MS = 2000;
const MOST = 100;

export class RunList {
  #list = byId("runs", HTMLUListElement);
  #more = byId("more-runs", HTMLButtonElement);
  #error = byId("runs-error", HTMLElement);
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {string | null} */
  #next = null;
  /** @type {string | null} */
  #shown = null;
  #round = 0;

  /**
   * @param {(job: Job) => void} onPick
   * @param {(id: string) => void} onForget
   */
  constructor(onPick, onForget) {
    this.onPick = onPick;
    this.onForget = onForget;
    this.#more.addEventListener("click", () => void this.#bringMore());
    setInterval(() => document.hidden || this.#quiet || void this.refresh(), REFRESH_MS);
    document.addEventListener("visibilitychange", () => document.hidden || void this.refresh());
  }

  /** Bring the list up to date. */
  async refresh() {
    const round = ++this.#round;
    await this.#attempt(async () => {
      const { jobs, next } = await list(undefined, Math.min(MOST, Math.max(12, this.#rows.size)));
      if (round !== this.#round) return; // a later one was faster
      this.#next = next;
      this.#put(jobs);
    });
  }

  /**
   * Show what is known of a job, without asking.
   * @param {Job} job
   */
  update(job) {
    const row = this.#rows.get(job.id);
    if (row) row.update(job);
    else this.#put([job, ...[...this.#rows.values()].map((other) => other.job)]);
  }

  /**
   * Mark the run that is shown.
   * @param {string | null} id
   */
  mark(id) {
    this.#shown = id;
    for (const row of this.#rows.values()) row.current = row.job.id === id;
  }

  /** Nothing in the list can change by itself. */
  get #quiet() {
    return [...this.#rows.values()].every(({ job }) => hasEnded(job.status) || job.status === "paused");
  }

  async #bringMore() {
    await this.#attempt(async () => {
      const { jobs, next } = await list(this.#next ?? undefined);
      this.#next = next;
      this.#put([...[...this.#rows.values()].map((row) => row.job), ...jobs]);
    });
  }

  /** @param {Job[]} jobs */
  #put(jobs) {
    const rows = jobs.map((job) => {
      const row = this.#rows.get(job.id) ?? new Row(job, this.onPick, (one) => void this.#forget(one));
      row.update(job);
      return /** @type {[string, Row]} */ ([job.id, row]);
    });
    this.#rows = new Map(rows);
    this.mark(this.#shown);
    const elements = rows.map(([, row]) => row.element);
    const same = elements.length === this.#list.children.length && elements.every((one, i) => one === this.#list.children[i]);
    if (!same) this.#list.replaceChildren(...elements); // moving what stays would take its focus away
    this.#more.hidden = this.#next === null;
    byId("runs-empty", HTMLElement).hidden = rows.length > 0;
  }

  /** @param {Row} row */
  async #forget(row) {
    const after = row.element.nextElementSibling ?? row.element.previousElementSibling;
    await this.#attempt(async () => {
      await forget(row.job.id);
      announce(`${titleOf(row.job)} is deleted.`);
      this.#round += 1;
      this.#put([...this.#rows.values()].filter((other) => other !== row).map(({ job }) => job));
      after?.querySelector("button")?.focus();
      this.onForget(row.job.id);
      await this.refresh();
    });
  }

  /** @param {() => Promise<void>} task */
  async #attempt(task) {
    try {
      await task();
      this.#error.hidden = true;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#error.textContent = error.message;
      this.#error.hidden = false;
    }
  }
}

/** A run in the list. */
class Row {
  element = document.createElement("li");
  #open = document.createElement("button");
  #delete = document.createElement("button");
  #title = document.createElement("span");
  #state = document.createElement("span");
  #bar = document.createElement("progress");

  /**
   * @param {Job} job
   * @param {(job: Job) => void} onPick
   * @param {(row: Row) => void} onForget
   */
  constructor(job, onPick, onForget) {
    this.job = job;
    this.element.className = "run";
    this.#open.type = this.#delete.type = "button";
    this.#open.className = "run-open";
    this.#title.className = "run-title";
    this.#state.className = "run-state";
    this.#bar.setAttribute("aria-hidden", "true");
    this.#open.append(this.#title, this.#state, this.#bar);
    this.#open.addEventListener("click", () => onPick(this.job));
    this.#delete.className = "run-delete";
    this.#delete.addEventListener("click", () => (this.#sure ? onForget(this) : this.#doubt(true)));
    this.#delete.addEventListener("blur", () => this.#doubt(false));
    this.#doubt(false);
    this.element.append(this.#open, this.#delete);
  }

  get #sure() {
    return this.#delete.dataset.sure === "true";
  }

  /** @param {boolean} current the run is the one that is shown */
  set current(current) {
    if (current) this.#open.setAttribute("aria-current", "true");
    else this.#open.removeAttribute("aria-current");
  }

  /** @param {Job} job */
  update(job) {
    const { status, step, steps, seed } = job;
    this.job = job;
    this.element.dataset.status = status;
    this.#title.textContent = titleOf(job);
    const where = status === "succeeded" ? "" : hasEnded(status) ? `at step ${count(step)}` : `· ${Math.floor((100 * step) / steps)} %`;
    this.#state.textContent = `seed ${seed} · ${stateName(status)} ${where}`.trimEnd();
    this.#bar.max = steps;
    this.#bar.value = step;
    this.#bar.hidden = hasEnded(status);
    this.#delete.hidden = !hasEnded(status);
    this.#doubt(this.#sure);
  }

  /** @param {boolean} sure the next click deletes */
  #doubt(sure) {
    this.#delete.dataset.sure = String(sure);
    this.#delete.textContent = sure ? "For good?" : "Delete";
    this.#delete.setAttribute("aria-label", sure ? `Delete ${titleOf(this.job)} for good?` : `Delete ${titleOf(this.job)}`);
  }
}
