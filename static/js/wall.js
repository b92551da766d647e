// The wall: the face that hangs there, the one that comes next, and the address that names it.

import { faceUrl } from "./api.js";
import { announce, clear, guard, show as complain } from "./notice.js";
import { loadPicture } from "./pictures.js";
import { randomSeed, readableSeed } from "./seeds.js";
import * as trail from "./trail.js";

/** @typedef {import("./address.js").Face} Face */
/** @typedef {import("./portrait.js").Portrait} Portrait */

/**
 * The way from a face to another seed: the one that was just played, else the one that a morph would play.
 * @typedef {{from: Face, to: number}} Walk
 */

export class Wall {
  #portrait;
  #onChange;
  #upcoming = randomSeed();
  /** @type {Face} */
  #face = { seed: this.#upcoming, truncation: 1 };

  /**
   * @param {Portrait} portrait
   * @param {(face: Face, walk: Walk) => void} onChange called whenever another face hangs
   */
  constructor(portrait, onChange) {
    this.#portrait = portrait;
    this.#onChange = onChange;
    trail.follow((place) => this.#open(place, false));
  }

  /** The face that hangs. */
  get face() {
    return this.#face;
  }

  /**
   * Hang the face that the address names, or anybody.
   * @param {import("./address.js").Place} place
   */
  open(place) {
    return this.#open(place, true);
  }

  /** Hang someone new. */
  next() {
    return this.pick({ seed: this.#upcoming, truncation: this.#face.truncation });
  }

  /**
   * Hang this face.
   * @param {Face} face
   */
  pick(face) {
    return guard(() => this.#hang(face, () => trail.record(face)));
  }

  /** Go back to the face before, if there is one. */
  back() {
    if (trail.hasPast()) history.back();
    else announce("This is the first face.");
  }

  /** Go forward to where one came back from, else to someone new. */
  forward() {
    if (trail.hasFuture()) history.forward();
    else void this.next();
  }

  /** Let the face become the next one. */
  morph() {
    const from = this.#face;
    const to = { seed: this.#upcoming, truncation: from.truncation };
    return guard(async () => {
      if (!(await this.#portrait.morph(from, to.seed))) return;
      trail.record(to);
      this.#arrive(to, { from, to: to.seed });
    });
  }

  /**
   * Show how the face would be at another truncation.
   * @param {number} truncation
   */
  preview(truncation) {
    return guard(() => this.#portrait.swap({ ...this.#face, truncation }));
  }

  /**
   * Hang the same face at another truncation.
   * @param {number} truncation
   */
  retune(truncation) {
    const face = { ...this.#face, truncation };
    return guard(async () => {
      if (!(await this.#portrait.swap(face))) return;
      trail.record(face, { instead: true });
      this.#arrive(face);
    });
  }

  /**
   * @param {import("./address.js").Place} place
   * @param {boolean} named whether the face's address replaces the present one
   */
  async #open({ seed, truncation, complaint }, named) {
    const face = { seed: seed ?? this.#upcoming, truncation };
    const arrival = () => {
      if (named || seed === null) trail.record(face, { instead: true });
    };
    await guard(() => this.#hang(face, arrival));
    if (complaint) complain(complaint);
  }

  /**
   * @param {Face} face
   * @param {() => void} onArrival
   */
  #hang(face, onArrival) {
    return this.#portrait.show(face, () => {
      onArrival();
      this.#arrive(face);
    });
  }

  /**
   * @param {Face} face
   * @param {Walk} [walk]
   */
  #arrive(face, walk) {
    this.#face = face;
    if (face.seed === this.#upcoming) this.#upcoming = randomSeed();
    void loadPicture(faceUrl({ ...face, seed: this.#upcoming }));
    clear();
    announce(`No. ${readableSeed(face.seed)}`);
    this.#onChange(face, walk ?? { from: face, to: this.#upcoming });
  }
}
