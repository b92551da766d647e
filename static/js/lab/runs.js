// The list of runs, newest first.

import { ServiceError } from "../shared/api.js";
import { byId, make, markCurrent } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { complain, forgive } from "./complaints.js";
import { stageName } from "./report.js";
import { deleteJob, list, look } from "./service.js";
import { count, hasEnded, titleOf } from "./words.js";

const FEWEST = 12;
const MOST = 100; // in one answer
/** Jobs that a worker has: they lead the list. Those that wait for them may be many, and are newer. */
const HELD = ["running", "pausing", "cancelling"];

export class RunList {
  #list = byId("runs");
  #more = byId("more-runs");
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {string | null} */
  #next = null;
  /** @type {string | null} */
  #shown = null;
  /** @type {Job[]} */
  #others = [];
  #round = 0;
  #listed = 0; // how many of the newest ones

  /**
   * @param {(job: Job) => void} onPick
   * @param {(id: string) => void} onGone the run that is shown was deleted
   * @param {(job: Job) => void} onNews of the run that is shown
   * @param {(job: Job) => void} onCompare show it beside the one that is shown, or no longer
   */
  constructor(onPick, onGone, onNews, onCompare) {
    this.onPick = onPick;
    this.onGone = onGone;
    this.onNews = onNews;
    this.onCompare = onCompare;
    this.#more.addEventListener("click", () => void this.#attempt(() => this.#bringMore()));
  }

  /** Bring the list up to date. */
  async refresh() {
    const round = ++this.#round;
    await this.#attempt(async () => {
      const { jobs, next } = await newest(Math.max(FEWEST, this.#listed));
      const held = next ? (await list({ statuses: HELD, limit: MOST })).jobs : [];
      const shown = await this.#lookAtShown([...held, ...jobs]);
      if (round !== this.#round) return; // a later one was faster
      this.#next = next;
      this.#listed = jobs.length;
      this.#put([...jobs, ...held, ...shown]);
      if (shown[0]) this.onNews(shown[0]);
    });
  }

  /**
   * The run that is shown is in the list, however old it is.
   * @param {Job[]} jobs
   * @returns {Promise<Job[]>} that one, if it is still there
   */
  async #lookAtShown(jobs) {
    const id = this.#shown;
    if (id === null) return [];
    const found = jobs.find((job) => job.id === id);
    if (found) return [found];
    try {
      return [await look(id)];
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 404) throw error;
      if (id === this.#shown) this.onGone(id);
      return [];
    }
  }

  /** Show what is known of a job, without asking. @param {Job} job */
  update(job) {
    const row = this.#rows.get(job.id);
    if (row && HELD.includes(row.job.status) === HELD.includes(job.status)) row.update(job);
    else this.#put([job, ...this.#jobs.filter(({ id }) => id !== job.id)]);
  }

  /** Mark the run that is shown, and those beside it. @type {(id: string | null, others?: Job[]) => void} */
  mark(id, others = this.#others) {
    [this.#shown, this.#others] = [id, others];
    for (const row of this.#rows.values()) {
      row.mark(
        row.job.id === id,
        others.some((one) => one.id === row.job.id),
      );
    }
  }

  get #jobs() {
    return [...this.#rows.values()].map(({ job }) => job);
  }

  async #bringMore() {
    this.#round += 1;
    const { jobs, next } = await list({ after: this.#next });
    this.#next = next;
    this.#listed += jobs.length;
    this.#put([...this.#jobs, ...jobs]);
  }

  /** @param {Job[]} jobs in any order, some perhaps twice */
  #put(jobs) {
    const rows = inOrder(jobs).map((job) => {
      const row = this.#rows.get(job.id) ?? new Row(job, this.onPick, (one) => void this.#delete(one), this.onCompare);
      row.update(job);
      return row;
    });
    this.#rows = new Map(rows.map((row) => [row.job.id, row]));
    this.mark(this.#shown);
    const { children } = this.#list;
    const isSame = rows.length === children.length && rows.every(({ element }, i) => element === children[i]);
    if (!isSame) this.#list.replaceChildren(...rows.map(({ element }) => element)); // else one would lose the focus
    this.#more.hidden = this.#next === null;
    byId("runs-empty").hidden = rows.length > 0;
  }

  /** @param {Row} row */
  async #delete(row) {
    const after = row.element.nextElementSibling ?? row.element.previousElementSibling;
    await this.#attempt(async () => {
      await deleteJob(row.job.id);
      announce(`${titleOf(row.job)} is deleted.`);
      this.#round += 1;
      this.#put(this.#jobs.filter(({ id }) => id !== row.job.id));
      after?.querySelector("button")?.focus();
      this.onGone(row.job.id);
      await this.refresh();
    });
  }

  /** @param {() => Promise<void>} task */
  async #attempt(task) {
    try {
      await task();
      forgive("runs-error");
    } catch (error) {
      complain("runs-error", error, "forget"); // the list is asked for again anyway
    }
  }
}

/** Give the newest jobs. @param {number} count */
async function newest(count) {
  const found = await list({ limit: Math.min(MOST, count) });
  while (found.next && found.jobs.length < count) {
    const { jobs, next } = await list({ after: found.next, limit: Math.min(MOST, count - found.jobs.length) });
    found.jobs.push(...jobs);
    found.next = next;
  }
  return found;
}

/** Order jobs: those that a worker has first, then the newest; each once. @param {Job[]} jobs */
function inOrder(jobs) {
  const held = (/** @type {Job} */ job) => Number(HELD.includes(job.status));
  const once = [...new Map(jobs.map((job) => [job.id, job])).values()];
  return once.sort((a, b) => held(b) - held(a) || (a.created < b.created ? 1 : -1));
}

/** A run in the list. */
class Row {
  #title = make("span", { className: "run-title" });
  #state = make("span", { className: "run-state small-print" });
  #bar = make("progress", { ariaHidden: "true" });
  #open = make("button", { type: "button", className: "run-open" }, this.#title, this.#state, this.#bar);
  #compare = make("button", { type: "button", className: "run-compare" }, "Compare");
  #delete = make("button", { type: "button", className: "run-delete" });
  element = make("li", { className: "run" }, this.#open, this.#compare, this.#delete);

  /**
   * @param {Job} job
   * @param {(job: Job) => void} onPick
   * @param {(row: Row) => void} onDelete
   * @param {(job: Job) => void} onCompare
   */
  constructor(job, onPick, onDelete, onCompare) {
    this.job = job;
    this.#open.addEventListener("click", () => onPick(this.job));
    this.#compare.addEventListener("click", () => onCompare(this.job));
    this.#delete.addEventListener("click", () => (this.#sure ? onDelete(this) : this.#ask(true)));
    this.#delete.addEventListener("blur", () => this.#ask(false));
    this.#ask(false);
  }

  get #sure() {
    return this.#delete.dataset.sure === "true";
  }

  /** @type {(current: boolean, beside: boolean) => void} whether the run is the one that is shown, or beside it */
  mark(current, beside) {
    markCurrent(this.#open, current);
    this.#compare.hidden = current;
    this.#compare.ariaPressed = String(beside);
  }

  /** @param {Job} job */
  update(job) {
    const { status, step, steps, seed, warnings } = job;
    this.job = job;
    this.element.dataset.status = status;
    this.#title.textContent = titleOf(job);
    const progress = hasEnded(status) ? `at step ${count(step)}` : `· ${Math.floor((100 * step) / steps)} %`;
    const facts = [
      `seed ${seed} · ${stageName(job)}`,
      status === "succeeded" ? "" : progress,
      warnings.discriminator_saturated ? "· saturated" : "",
    ];
    this.#state.textContent = facts.filter(Boolean).join(" ");
    this.#bar.max = steps;
    this.#bar.value = step;
    this.#bar.hidden = hasEnded(status);
    this.#delete.hidden = !hasEnded(status);
    this.#ask(this.#sure);
  }

  /** @param {boolean} sure whether the next click deletes */
  #ask(sure) {
    this.#delete.dataset.sure = String(sure);
    this.#delete.textContent = sure ? "For good?" : "Delete";
    this.#delete.ariaLabel = `Delete ${titleOf(this.job)}${sure ? " for good?" : ""}`;
  }
}
