// The discriminator's scores as a picture: one pixel a score.

import { rgb } from "../shared/colours.js";

const LEVELS = 9;

const canvas = document.createElement("canvas");

/**
 * Draw the scores of a moment into a small canvas, to be drawn large. It is the same canvas each time.
 * @param {Moment} moment
 * @returns {HTMLCanvasElement | null} null where there are no scores
 */
export function heatmapOf({ from, to, share }) {
  const { side } = from;
  const context = canvas.getContext("2d");
  if (!from.scores || !to.scores || side === 0 || !context) return null;
  canvas.width = canvas.height = side;
  const image = context.createImageData(side, side);
  const ramp = makeRamp();
  for (let at = 0; at < side * side; at++) {
    const level = (1 - share) * relative(from, at) + share * relative(to, at);
    const shade = ramp[Math.round(Math.min(1, Math.max(0, level)) * (ramp.length - 1))];
    // The scores begin at the bottom, pictures at the top.
    const row = side - 1 - Math.floor(at / side);
    image.data.set(shade, 4 * (row * side + (at % side)));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** @type {(frame: Frame, at: number) => number} */
function relative({ scores, range: [low, high] }, at) {
  return ((scores?.[at] ?? 0) - low) / (high - low);
}

/** Shades from the lowest score to the highest; steps that the eye can tell apart make contours. */
function makeRamp() {
  const [low, middle, high] = ["score-low", "score-middle", "score-high"].map(rgb);
  return Array.from({ length: 2 * LEVELS + 1 }, (_, i) => {
    const at = i / LEVELS - 1;
    const end = at < 0 ? low : high;
    return [...middle.map((value, k) => Math.round(value + (end[k] - value) * Math.abs(at))), 255];
  });
}
