// Watching one run: its events come in, its picture and what is said about it go out.

import { followService, ServiceError } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { Feed } from "./feed.js";
import { Plot } from "./plot.js";
import { describe, showEmpty, showFigures, showLosses, showState, stageName, tell } from "./report.js";
import { Run } from "./run.js";
import { history, look } from "./service.js";
import { Stage } from "./stage.js";
import { Film, Viewer } from "./viewer.js";
import { hasEnded, steady } from "./words.js";

/** The losses of every single step of longer runs would be too much for a page. */
const MOST_STEPS = 50_000;
const SIDE_DIMENSIONS = 4;
const CALM_MS = 100;

const picture = byId("picture", HTMLCanvasElement);

export class Watch {
  #stage = new Stage(picture, byId("side-picture", HTMLCanvasElement));
  #plot = new Plot(byId("plot", HTMLCanvasElement));
  #viewer = new Viewer(() => this.#draw());
  #film = new Film(this.#viewer);
  /** @type {Feed | undefined} */
  #feed;
  #deaf = false; // no events come
  #silent = false; // no answers come
  /** @type {number | undefined} */
  #timer;
  #told = { stage: "", step: 0 };
  /** @type {Run | undefined} the run whose every loss was asked for */
  #whole;

  /**
   * @param {(run: Run) => void} onJob the service's word about the run is new
   * @param {(id: string) => void} onGone the run was deleted
   */
  constructor(onJob, onGone) {
    this.onJob = onJob;
    this.onGone = onGone;
    followService((reached) => {
      if (this.#silent === !reached) return;
      this.#silent = !reached;
      this.#viewer.update();
    });
  }

  /** Id of the run that is watched. */
  get id() {
    return this.#viewer.run?.job.id ?? null;
  }

  /** Watch a run, or none. @param {Job | undefined} job */
  show(job) {
    this.#feed?.close();
    clearTimeout(this.#timer);
    this.#deaf = false;
    const run = job && new Run(job);
    this.#told = { stage: job ? stageName(job) : "", step: job?.step ?? 0 };
    this.#viewer.show(run);
    if (!run) return;
    this.#feed = new Feed(
      run.job.id,
      (kind, data) => this.#hear(run, kind, data),
      (broken) => this.#mind(run, broken),
    );
    this.onJob(run);
  }

  /** Take in what the service says about the run. @param {Job} job */
  update(job) {
    const { run } = this.#viewer;
    if (run?.job.id !== job.id) return;
    run.update(job, this.#deaf);
    this.onJob(run);
    this.#viewer.update();
  }

  /** The colours have changed. */
  repaint() {
    this.#viewer.update();
  }

  /** @type {(run: Run, kind: string, data: any) => void} */
  #hear(run, kind, data) {
    run.hear(kind, data);
    this.#viewer.update();
    if (!["state", "phase", "warnings"].includes(kind)) return;
    clearTimeout(this.#timer); // a run that is caught up with changes its state many times at once
    this.#timer = setTimeout(() => void this.#refresh(run), CALM_MS);
  }

  /** @param {Run} run */
  async #refresh(run) {
    const job = hasEnded(run.job.status) ? undefined : await look(run.job.id).catch(() => undefined);
    if (this.#viewer.run !== run) return;
    if (job) run.update(job, this.#deaf);
    this.onJob(run); // also where an answer to an action was ahead of the stream
    this.#viewer.update();
    if (run.ended) await this.#complete(run);
  }

  /** @param {Run} run */
  async #complete(run) {
    if (run.job.steps > MOST_STEPS || this.#whole === run) return;
    this.#whole = run; // events of a slow stream may end it twice, and it may be deleted by then
    const losses = await history(run.job.id).catch(() => undefined);
    if (!losses || this.#viewer.run !== run) return;
    run.learn(losses);
    this.#viewer.update();
  }

  /** @type {(run: Run, broken: boolean) => Promise<void>} */
  async #mind(run, broken) {
    if (this.#viewer.run !== run) return;
    this.#deaf = broken;
    this.#viewer.update();
    if (!broken) return;
    const error = await look(run.job.id).catch((reason) => reason);
    const isGone = error instanceof ServiceError && error.status === 404;
    if (isGone && this.#viewer.run === run) this.onGone(run.job.id);
  }

  #draw() {
    const { run, moment } = this.#viewer;
    const frame = moment?.from;
    byId("side").hidden = (run?.real?.dimensions ?? 0) < SIDE_DIMENSIONS;
    byId("watch").hidden = byId("take").hidden = !run;
    byId("legend").hidden = !frame;
    byId("near").hidden = !run?.real?.modes || run.real.radius === null;
    this.#stage.draw(run?.real, moment);
    this.#plot.draw(run?.losses, [run?.job.first_step ?? 0, run?.job.steps ?? 1], frame?.step);
    this.#film.show(this.#viewer);
    showEmpty(run);
    showLosses(run);
    showFigures(run, frame);
    showScale(frame);
    picture.ariaLabel = describe(run, frame);
    picture.dataset.step = frame ? String(frame.step) : "";
    byId("studio").dataset.status = run?.status ?? "";
    if (!run) return;
    showState(run, this.#deaf || this.#silent);
    tell(run, this.#told.stage, this.#told.step);
    this.#told = { stage: stageName(run), step: run.step };
  }
}

/** @param {Frame | undefined} frame */
function showScale(frame) {
  byId("scale").hidden = !frame?.scores;
  if (!frame?.scores) return;
  const digits = frame.range.every(Number.isInteger) ? 0 : 2;
  const [low, high] = frame.range.map((value) => steady(value, digits));
  byId("scale-low").textContent = low;
  byId("scale-high").textContent = high;
}
