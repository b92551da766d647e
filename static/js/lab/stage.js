// The picture of a run: real and generated points over the discriminator's scores.

import { colour } from "../shared/colours.js";
import { heatmapOf } from "./heatmap.js";
import { extremes, ticks } from "./stretches.js";
import { Surface } from "./surface.js";
import { short } from "./words.js";

/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {(x: number, y: number | undefined) => [x: number, y: number]} Place from a point to its pixel */

const FULL_CIRCLE = 2 * Math.PI;
const DASHES = [3, 3];
/** Where points with one coordinate only are lined up, as shares of the height. */
const LINES = { real: 0.4, made: 0.6 };
/** From an edge to the numbers along it, in pixels, and the share of an edge at both ends that has none. */
const EDGE = 5;
const CORNER = 0.06;

export class Stage {
  /**
   * @param {HTMLCanvasElement} main
   * @param {HTMLCanvasElement} side for coordinates 2 and 3
   */
  constructor(main, side) {
    this.main = new Surface(main);
    this.side = new Surface(side);
  }

  /** @type {(real: Real | undefined, moment: Moment | undefined) => void} */
  draw(real, moment) {
    this.main.show((context, width, height) => paint(context, width, height, real, moment, 0));
    this.side.show((context, width, height) => paint(context, width, height, real, moment, 2));
  }
}

/**
 * @param {Context} context
 * @param {number} width
 * @param {number} height
 * @param {Real | undefined} real
 * @param {Moment | undefined} moment
 * @param {number} axis the first one of the two that are shown
 */
function paint(context, width, height, real, moment, axis) {
  context.fillStyle = colour("score-middle");
  context.fillRect(0, 0, width, height);
  const heatmap = moment && axis === 0 ? heatmapOf(moment) : null;
  if (heatmap) {
    context.imageSmoothingEnabled = false;
    context.drawImage(heatmap, 0, 0, width, height);
  }
  if (!real) return;
  const size = Math.max(1.6, Math.min(width, height) / 150);
  // The box holds the first two coordinates; the others reach as far as the real points do, at least from 0 to 1.
  const [across, up] = [axis, axis + 1].map(
    (one) => real.box[one] ?? extremes([0, 1, ...coordinates(real.points, one)]),
  );
  /** @type {(line: number) => Place} */
  const place = (line) => (x, y) => [
    shareOf(across, x) * width,
    y === undefined ? line * height : (1 - shareOf(up, y)) * height,
  ];
  drawReal(context, real.points, axis, place(LINES.real), size);
  if (axis === 0) drawModes(context, real, moment?.from.covered ?? null, place(LINES.real));
  if (moment) drawMade(context, moment, axis, place(LINES.made), size);
  if (real.own && axis === 0) drawNumbers(context, across, real.points.dimensions > 1 ? up : null, width, height);
}

/** @type {(axis: Interval, value: number) => number} */
const shareOf = ([low, high], value) => (value - low) / (high - low);

/** @type {(points: Points, axis: number) => Iterable<number>} */
function coordinates({ dimensions, values }, axis) {
  return axis < dimensions ? values.filter((_, i) => i % dimensions === axis) : [];
}

/**
 * Write round numbers along the lower and the left edge.
 * @param {Context} context
 * @param {Interval} across
 * @param {Interval | null} up
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
  for (const [text, share] of numbersOf(across)) write(context, text, share * width, height - EDGE);
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const [text, share] of up ? numbersOf(up) : []) write(context, text, EDGE, (1 - share) * height);
}

/** @type {(context: Context, text: string, x: number, y: number) => void} */
function write(context, text, x, y) {
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

/**
 * @param {Interval} axis
 * @returns {[text: string, share: number][]} the numbers that have room, and where on the axis they are
 */
function numbersOf(axis) {
  return ticks(...axis)
    .map((value) => /** @type {[string, number]} */ ([short(value), shareOf(axis, value)]))
    .filter(([, share]) => share > CORNER && share < 1 - CORNER);
}

// What counts as near a mode: exactly what the figures count. Dashed where too few generated points are.
/** @type {(context: Context, real: Real, covered: boolean[] | null, place: Place) => void} */
function drawModes(context, { modes, radius }, covered, place) {
  if (!modes || radius === null) return;
  const [[left, bottom], [right, top]] = [place(0, 0), place(radius, radius)];
  for (const [i, [x, y]] of modes.entries()) {
    context.beginPath();
    context.ellipse(...place(x, y), right - left, bottom - top, 0, 0, FULL_CIRCLE);
    // The light line below shows the dark one in a crowd of points.
    context.strokeStyle = colour("made-rim");
    context.lineWidth = 3.5;
    context.stroke();
    context.strokeStyle = colour("ink");
    context.lineWidth = 1.25;
    context.setLineDash(covered?.[i] === false ? DASHES : []);
    context.stroke();
    context.setLineDash([]);
  }
}

// Crosses and discs: told apart by their form, with or without colour.
/** @type {(context: Context, points: Points, axis: number, place: Place, size: number) => void} */
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

/** @type {(context: Context, moment: Moment, axis: number, place: Place, size: number) => void} */
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
