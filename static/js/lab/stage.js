// The picture of a run: real and generated points over the discriminator's scores.

import { colour } from "./colours.js";
import { Heatmap } from "./heatmap.js";
import { ticks } from "./stretches.js";
import { Surface } from "./surface.js";
import { short } from "./words.js";

/** @typedef {import("./run.js").Frame} Frame */
/** @typedef {import("./run.js").Points} Points */
/** @typedef {import("./run.js").Real} Real */
/**
 * A moment between two frames; share 0 is the first one, 1 the second one.
 * @typedef {{from: Frame, to: Frame, share: number}} Moment
 */
/** @typedef {(point: (axis: number) => number) => [number, number]} Projection */

const FULL_CIRCLE = 2 * Math.PI;
const DASHES = [3, 3];
/** Where points with one coordinate only are lined up, as shares of the height. */
const LINES = { real: 0.4, made: 0.6 };
/** From an edge to the numbers along it, in pixels, and the share of an edge at both ends that has none. */
const EDGE = 5;
const CORNER = 0.06;

export class Stage {
  #heatmap = new Heatmap();
  /** @type {{real: Real | undefined, moment: Moment | undefined}} */
  #scene = { real: undefined, moment: undefined };

  /**
   * @param {HTMLCanvasElement} main
   * @param {HTMLCanvasElement} side for coordinates 2 and 3
   */
  constructor(main, side) {
    this.main = new Surface(main, () => this.redraw());
    this.side = new Surface(side, () => this.redraw());
  }

  /**
   * Draw a scene.
   * @param {Real | undefined} real
   * @param {Moment | undefined} moment
   */
  draw(real, moment) {
    this.#scene = { real, moment };
    this.redraw();
  }

  /** Draw the last scene anew. */
  redraw() {
    const { real, moment } = this.#scene;
    const heatmap = moment ? this.#heatmap.picture(moment.from, moment.to, moment.share) : null;
    paint(this.main, real, moment, 0, heatmap);
    if (this.side.canvas.clientWidth > 0) paint(this.side, real, moment, 2, null);
  }
}

/**
 * @param {Surface} surface
 * @param {Real | undefined} real
 * @param {Moment | undefined} moment
 * @param {number} axis the first one of the two that are shown
 * @param {HTMLCanvasElement | null} heatmap
 */
function paint(surface, real, moment, axis, heatmap) {
  const { context, width, height } = surface.begin();
  context.fillStyle = colour("score-middle");
  context.fillRect(0, 0, width, height);
  if (heatmap) {
    context.imageSmoothingEnabled = false;
    context.drawImage(heatmap, 0, 0, width, height);
  }
  if (!real) return;
  const size = Math.max(1.6, Math.min(width, height) / 150);
  const [[left, right], [low, high]] = boxOf(real, axis);
  /** @type {(line: number) => (x: number, y: number | undefined) => [number, number]} */
  const place = (line) => (x, y) => [
    ((x - left) / (right - left)) * width,
    y === undefined ? line * height : (1 - (y - low) / (high - low)) * height,
  ];
  drawReal(context, real.points, axis, place(LINES.real), size);
  if (axis === 0) drawModes(context, real, moment?.from.covered ?? null, place(LINES.real));
  if (moment) drawMade(context, moment, axis, place(LINES.made), size);
  if (real.own && axis === 0)
    drawNumbers(context, [left, right], real.points.dimensions > axis + 1 ? [low, high] : null, width, height);
}

/**
 * Write numbers along the lower and the left edge.
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} across
 * @param {[number, number] | null} up
 * @param {number} width
 * @param {number} height
 */
function drawNumbers(context, across, up, width, height) {
  context.font = `11px ${getComputedStyle(context.canvas).fontFamily}`;
  context.fillStyle = colour("ink");
  context.strokeStyle = colour("score-middle"); // tells them from the points below
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const [text, share] of numbersOf(across)) {
    context.strokeText(text, share * width, height - EDGE);
    context.fillText(text, share * width, height - EDGE);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const [text, share] of up ? numbersOf(up) : []) {
    context.strokeText(text, EDGE, (1 - share) * height);
    context.fillText(text, EDGE, (1 - share) * height);
  }
}

/**
 * Give the round numbers of an axis that have room, each with its place as a share of the axis.
 * @param {[number, number]} axis
 * @returns {[string, number][]}
 */
function numbersOf([low, high]) {
  return ticks(low, high)
    .map((value) => /** @type {[string, number]} */ ([short(value), (value - low) / (high - low)]))
    .filter(([, share]) => share > CORNER && share < 1 - CORNER);
}

/**
 * The box holds the first two coordinates; the others reach as far as the real points do, at least from 0 to 1.
 * @param {Real} real
 * @param {number} axis
 * @returns {[number, number][]}
 */
function boxOf(real, axis) {
  return [axis, axis + 1].map((one) => real.box[one] ?? reach(real.points, one));
}

/**
 * @param {Points} points
 * @param {number} axis
 * @returns {[number, number]}
 */
function reach({ count, dimensions, values }, axis) {
  let [low, high] = [0, 1];
  for (let i = 0; i < count && axis < dimensions; i++) {
    low = Math.min(low, values[i * dimensions + axis]);
    high = Math.max(high, values[i * dimensions + axis]);
  }
  return [low, high];
}

// What counts as near a mode: exactly what the figures count. Dashed where too few generated points are.
/**
 * @param {CanvasRenderingContext2D} context
 * @param {Real} real
 * @param {boolean[] | null} covered
 * @param {(x: number, y: number | undefined) => [number, number]} place
 */
function drawModes(context, { modes, radius }, covered, place) {
  if (!modes || radius === null) return;
  const [[left, bottom], [right, top]] = [place(0, 0), place(radius, radius)];
  for (const [i, [x, y]] of modes.entries()) {
    context.beginPath();
    context.ellipse(...place(x, y), right - left, bottom - top, 0, 0, FULL_CIRCLE);
    // On a light ground, or nobody would see it in a crowd of points.
    for (const [name, width] of /** @type {const} */ ([
      ["made-rim", 3.5],
      ["ink", 1.25],
    ])) {
      context.strokeStyle = colour(name);
      context.lineWidth = width;
      context.setLineDash(name === "ink" && covered?.[i] === false ? DASHES : []);
      context.stroke();
    }
  }
  context.setLineDash([]);
}

// Crosses and discs: told apart by their form, with or without colour.
/**
 * @param {CanvasRenderingContext2D} context
 * @param {Points} points
 * @param {number} axis
 * @param {(x: number, y: number | undefined) => [number, number]} place
 * @param {number} size
 */
function drawReal(context, { count, dimensions, values }, axis, place, size) {
  context.strokeStyle = colour("real");
  context.lineWidth = Math.max(1, size * 0.55);
  context.globalAlpha = 0.8;
  context.beginPath();
  for (let i = 0; i < count; i++) {
    const at = i * dimensions + axis;
    const [x, y] = place(values[at], dimensions > axis + 1 ? values[at + 1] : undefined);
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x - size, y + size);
    context.lineTo(x + size, y - size);
  }
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Moment} moment
 * @param {number} axis
 * @param {(x: number, y: number | undefined) => [number, number]} place
 * @param {number} size
 */
function drawMade(context, { from, to, share }, axis, place, size) {
  const { count, dimensions, values } = from.made;
  const others = to.made.values.length === values.length ? to.made.values : values;
  /** @param {number} at */
  const between = (at) => values[at] + (others[at] - values[at]) * share;
  context.fillStyle = colour("made");
  context.strokeStyle = colour("made-rim");
  context.lineWidth = Math.max(0.75, size * 0.3);
  for (let i = 0; i < count; i++) {
    const at = i * dimensions + axis;
    const [x, y] = place(between(at), dimensions > axis + 1 ? between(at + 1) : undefined);
    context.beginPath();
    context.arc(x, y, 1.1 * size, 0, FULL_CIRCLE);
    context.fill();
    context.stroke();
  }
}
