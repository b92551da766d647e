// Which moment of a run is shown: the newest one, the one that the reader picked, or one after the other.

import { byId, prefersCalm } from "../shared/dom.js";
import { stepName } from "./words.js";

/** @import { Run } from "./run.js" */

const FRAME_MS = 90;
const SHORTEST_MS = 3500;
const LONGEST_MS = 12_000;
/** Where less motion is asked for, a picture stands at least this long. */
const CALM_MS = 700;

/** Draws at most once a frame of the screen, however many events come together. */
export class Viewer {
  /** @type {Run | undefined} */
  #run;
  #position = 0;
  #following = true;
  /** @type {number | undefined} when the replay began */
  #begun;
  #waiting = false;
  #drawn = -Infinity;

  /** @param {(viewer: Viewer) => void} draw */
  constructor(draw) {
    this.draw = draw;
  }

  get run() {
    return this.#run;
  }

  get replaying() {
    return this.#begun !== undefined;
  }

  /** Index of the shown frame; between two frames, of the earlier one. */
  get index() {
    return Math.min(Math.floor(this.#position), this.#last);
  }

  get #last() {
    return Math.max(0, (this.#run?.frames.length ?? 0) - 1);
  }

  /** @returns {Moment | undefined} */
  get moment() {
    const frames = this.#run?.frames ?? [];
    const from = frames[this.index];
    return from && { from, to: frames[this.index + 1] ?? from, share: this.#position - this.index };
  }

  /** Show another run, from its newest moment on. @param {Run | undefined} run */
  show(run) {
    this.#run = run;
    this.seek(0);
    this.#following = true;
  }

  /** Something has changed: draw soon. */
  update() {
    if (this.#waiting) return;
    this.#waiting = true;
    const rest = prefersCalm() ? this.#drawn + CALM_MS - performance.now() : 0;
    if (rest > 0) setTimeout(() => requestAnimationFrame(this.#frame), rest);
    else requestAnimationFrame(this.#frame);
  }

  /** Show a frame; at the last one, follow the run again. @param {number} index */
  seek(index) {
    this.#begun = undefined;
    this.#position = index;
    this.#following = index >= this.#last;
    this.#drawn = -Infinity; // the reader moves it, so there is nothing to calm down
    this.update();
  }

  /** Run through all moments, or stop doing so. */
  replay() {
    if (this.replaying) return this.seek(this.index);
    this.#following = false;
    this.#position = 0;
    this.#begun = performance.now();
    this.update();
  }

  #frame = () => {
    this.#waiting = false;
    this.#drawn = performance.now();
    if (this.#begun !== undefined) this.#advance(this.#begun);
    else if (this.#following) this.#position = this.#last;
    this.draw(this);
  };

  /** @param {number} begun */
  #advance(begun) {
    const duration = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, this.#last * FRAME_MS));
    const progress = Math.min(1, (performance.now() - begun) / duration);
    this.#position = prefersCalm() ? Math.round(progress * this.#last) : progress * this.#last;
    if (progress < 1) return this.update();
    this.#begun = undefined;
    this.#following = true;
  }
}

/** The controls of a viewer: a slider over the pictures that came, and the replay of them all. */
export class Film {
  #slider = byId("scrubber", HTMLInputElement);
  #replay = byId("replay");

  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.#slider.addEventListener("input", () => viewer.seek(this.#slider.valueAsNumber));
    this.#replay.addEventListener("click", () => viewer.replay());
  }

  /** Show which picture of how many is seen. @param {Viewer} viewer */
  show(viewer) {
    const frames = viewer.run?.frames ?? [];
    const isShort = frames.length < 2;
    byId("film").hidden = isShort;
    if (isShort) return;
    const step = `step ${stepName(frames[viewer.index].step)}`;
    this.#slider.max = String(frames.length - 1);
    this.#slider.value = String(viewer.index);
    this.#slider.ariaValueText = step;
    byId("shown-step").textContent = step;
    this.#replay.textContent = viewer.replaying ? "Stop" : "Replay";
  }
}
