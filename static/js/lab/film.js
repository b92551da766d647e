// The controls of the viewer: a slider over the pictures that came, and the replay of them all.

import { byId } from "../dom.js";
import { count } from "./words.js";

/** @typedef {import("./viewer.js").Viewer} Viewer */

export class Film {
  #box = byId("film", HTMLElement);
  #slider = byId("scrubber", HTMLInputElement);
  #replay = byId("replay", HTMLButtonElement);
  #output = byId("shown-step", HTMLOutputElement);

  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.#slider.addEventListener("input", () => viewer.seek(this.#slider.valueAsNumber));
    this.#replay.addEventListener("click", () => viewer.replay());
  }

  /**
   * Show which picture of how many is seen.
   * @param {Viewer} viewer
   */
  show(viewer) {
    const frames = viewer.run?.frames ?? [];
    this.#box.hidden = frames.length < 2;
    if (this.#box.hidden) return;
    const step = `step ${count(frames[viewer.index].step)}`;
    this.#slider.max = String(frames.length - 1);
    this.#slider.value = String(viewer.index);
    this.#slider.setAttribute("aria-valuetext", step);
    this.#output.textContent = step;
    this.#replay.textContent = viewer.replaying ? "Stop" : "Replay";
  }
}
