// The large portrait: which face hangs there, and how one follows the other.

import { animate, ease } from "./animation.js";
import { faceUrl, MORPH_STEPS, morphUrl } from "./api.js";
import { drawFace, drawPixels, loadPicture, SIDE } from "./pictures.js";

/** @typedef {import("./address.js").Face} Face */

const DISSOLVE_MS = 240;
const MORPH_MS = 1_800;

export class Portrait {
  #frame;
  #canvas;
  #running = new AbortController();

  /**
   * @param {HTMLElement} frame gets data-state: waiting, moving or still
   * @param {HTMLCanvasElement} canvas
   */
  constructor(frame, canvas) {
    this.#frame = frame;
    this.#canvas = canvas;
  }

  /**
   * Hang a face: its pixels replace the old ones in random order.
   * @param {Face} face
   * @param {() => void} onArrival called when the face is here, before it is drawn
   * @returns {Promise<boolean>} true when the face hangs, false when another one was asked for meanwhile
   */
  show(face, onArrival) {
    return this.#follow(faceUrl(face), (picture, signal) => {
      onArrival();
      return dissolve(this.#canvas, picture, signal);
    });
  }

  /**
   * Hang a face at once.
   * @param {Face} face
   * @returns {Promise<boolean>} as for show
   */
  swap(face) {
    return this.#follow(faceUrl(face), async (picture) => {
      drawFace(this.#canvas, picture);
      return true;
    });
  }

  /**
   * Let one face become another.
   * @param {Face} from
   * @param {number} to seed
   * @returns {Promise<boolean>} as for show
   */
  morph(from, to) {
    return this.#follow(morphUrl(from, to), (strip, signal) => playStrip(this.#canvas, strip, signal));
  }

  /**
   * @param {string} url
   * @param {(picture: ImageBitmap, signal: AbortSignal) => Promise<boolean>} draw
   * @returns {Promise<boolean>}
   */
  async #follow(url, draw) {
    this.#running.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    this.#frame.dataset.state = "waiting";
    try {
      const picture = await loadPicture(url);
      if (signal.aborted) return false;
      this.#frame.dataset.state = "moving";
      return await draw(picture, signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    } finally {
      if (!signal.aborted) this.#frame.dataset.state = "still";
    }
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {AbortSignal} signal
 */
function dissolve(canvas, picture, signal) {
  const order = shuffled(SIDE * SIDE);
  let drawn = 0;
  return animate(DISSOLVE_MS, (progress) => {
    const due = Math.round(progress * order.length);
    drawPixels(canvas, picture, order.slice(drawn, due));
    drawn = due;
  }, signal);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} strip
 * @param {AbortSignal} signal
 */
function playStrip(canvas, strip, signal) {
  return animate(MORPH_MS, (progress) => {
    const place = ease(progress) * (MORPH_STEPS - 1);
    const frame = Math.floor(place);
    drawFace(canvas, strip, frame);
    if (place > frame) drawFace(canvas, strip, frame + 1, place - frame);
  }, signal);
}

/** @param {number} count */
function shuffled(count) {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
