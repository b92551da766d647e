// What one may do with the run that is shown: steer it, share it, take it along.

import { byId } from "../dom.js";
import { announce } from "../notice.js";
import { copy, hand } from "../sharing.js";
import { complain, forgive } from "./complaints.js";
import { ask, file } from "./service.js";

/** @typedef {import("./run.js").Run} Run */
/** @typedef {import("./service.js").Job} Job */

const COPIED_MS = 1500;

/** In which states each wish can be granted. */
const WISHES = /** @type {const} */ ({
  pause: ["queued", "running", "pausing"],
  resume: ["paused"],
  cancel: ["queued", "running", "pausing", "paused", "cancelling"],
});
/** What is being granted already. */
const ON_ITS_WAY = { pause: "pausing", resume: "", cancel: "cancelling" };

/** @typedef {keyof typeof WISHES} Wish */

/** What can be saved, and under which name. */
const FILES = /** @type {const} */ ({
  "save-weights": { rest: "/weights", suffix: ".zip" },
  "save-picture": { rest: "/picture.png", suffix: ".png" },
  "save-history": { rest: "/history?format=csv", suffix: ".csv" },
});

export class Actions {
  /** @type {Run | undefined} */
  #run;
  #about = "";

  /** @param {(job: Job) => void} onChange what the service said after a wish */
  constructor(onChange) {
    this.onChange = onChange;
    for (const wish of /** @type {Wish[]} */ (Object.keys(WISHES))) {
      const button = byId(wish, HTMLButtonElement);
      button.addEventListener("click", () => this.#attempt(button, "run-error", (run) => this.#wish(run, wish)));
    }
    for (const [id, { rest, suffix }] of Object.entries(FILES)) {
      const button = byId(id, HTMLButtonElement);
      button.addEventListener("click", () =>
        this.#attempt(button, "take-error", async ({ job }) =>
          hand(await file(job.id, rest), `nobody-${job.id}${suffix}`),
        ),
      );
    }
    byId("copy-link", HTMLButtonElement).addEventListener("click", () => void copyLink());
  }

  /**
   * Offer what is possible with a run.
   * @param {Run | undefined} run
   */
  show(run) {
    const about = run ? `${run.job.id} ${run.status}` : "";
    if (about !== this.#about) ["run-error", "take-error"].forEach(forgive); // they were about another state
    this.#about = about;
    this.#run = run;
    if (!run) return;
    const focused = document.activeElement;
    for (const [wish, states] of Object.entries(WISHES)) {
      const button = byId(wish, HTMLButtonElement);
      button.hidden = !(/** @type {readonly string[]} */ (states).includes(run.status));
      button.setAttribute("aria-disabled", String(run.status === ON_ITS_WAY[/** @type {Wish} */ (wish)]));
    }
    if (focused instanceof HTMLElement && focused.hidden) keepFocus();
    if (run.job.error) complain("run-error", run.job.error);
  }

  /**
   * @param {Run} run
   * @param {Wish} wish
   */
  async #wish(run, wish) {
    this.onChange(await ask(run.job.id, wish));
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {string} place where failures are said
   * @param {(run: Run) => Promise<void>} task
   */
  async #attempt(button, place, task) {
    const run = this.#run;
    if (!run || button.getAttribute("aria-disabled") === "true") return;
    forgive(place);
    button.setAttribute("aria-disabled", "true");
    try {
      await task(run);
    } catch (error) {
      complain(place, /** @type {Error} */ (error));
    } finally {
      button.setAttribute("aria-disabled", "false");
      this.show(this.#run);
    }
  }
}

// The button that had the focus is gone: the next one in its place takes it.
function keepFocus() {
  const next = ["pause", "resume", "cancel", "copy-link"]
    .map((id) => byId(id, HTMLButtonElement))
    .find((one) => !one.hidden);
  next?.focus();
}

async function copyLink() {
  const label = byId("copy-label", HTMLElement);
  const copied = await copy(location.href);
  label.textContent = copied ? "Copied" : "No clipboard";
  announce(copied ? "The link is copied." : "The browser gives no access to its clipboard.");
  setTimeout(() => (label.textContent = "Copy link"), COPIED_MS);
}
