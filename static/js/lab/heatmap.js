// The discriminator's scores as a picture: one pixel a score.

import { rgb } from "./colours.js";

/** @typedef {import("./run.js").Frame} Frame */

const LEVELS = 9;

/** Turns scores into a small canvas, to be drawn large. */
export class Heatmap {
  #canvas = document.createElement("canvas");

  /**
   * Give the picture between two frames.
   * @param {Frame} from
   * @param {Frame} to
   * @param {number} share 0 is the first one, 1 the second one
   * @returns {HTMLCanvasElement | null} null where there are no scores
   */
  picture(from, to, share) {
    const { side } = from;
    if (!from.scores || !to.scores || side === 0) return null;
    this.#canvas.width = this.#canvas.height = side;
    const context = this.#canvas.getContext("2d");
    if (!context) return null;
    const image = context.createImageData(side, side);
    const ramp = makeRamp();
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const at = row * side + column;
        const level = (1 - share) * relative(from, at) + share * relative(to, at);
        const shade = ramp[Math.round(Math.min(1, Math.max(0, level)) * (ramp.length - 1))];
        // The scores begin at the bottom, pictures at the top.
        image.data.set(shade, 4 * ((side - 1 - row) * side + column));
      }
    }
    context.putImageData(image, 0, 0);
    return this.#canvas;
  }
}

/**
 * @param {Frame} frame
 * @param {number} at
 */
function relative({ scores, range: [low, high] }, at) {
  return ((scores?.[at] ?? 0) - low) / (high - low);
}

/** Shades from the lowest score to the highest; steps that the eye can tell apart make contours. */
function makeRamp() {
  const [low, middle, high] = [rgb("score-low"), rgb("score-middle"), rgb("score-high")];
  return Array.from({ length: 2 * LEVELS + 1 }, (_, i) => {
    const at = i / LEVELS - 1;
    const end = at < 0 ? low : high;
    return [...middle.map((value, k) => Math.round(value + (end[k] - value) * Math.abs(at))), 255];
  });
}
