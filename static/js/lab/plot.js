// The losses as lines: the mean of each stretch of steps, and faintly behind it how far the steps spread.

import { colour } from "../shared/colours.js";
import { gather, span, ticks } from "./stretches.js";
import { Surface } from "./surface.js";
import { count, short } from "./words.js";

/** @import { Stretches } from "./stretches.js" */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Area */
/** @typedef {{x: (step: number) => number, y: (value: number) => number}} Scales */

/** @type {Record<string, {colour: string, dashes: number[]}>} */
const STYLES = {
  discr_loss: { colour: "real", dashes: [] },
  gen_loss: { colour: "made-line", dashes: [] },
};
/** Of the penalty, and of whatever else there may be. */
const OTHER_STYLE = { colour: "soft", dashes: [3, 3] };
const MARGIN = { top: 8, right: 4, bottom: 20, left: 38 };
const STRETCH_PX = 4;

export class Plot {
  /** @type {{version: number, losses: Losses, width: number, lines: Map<string, Stretches>} | undefined} */
  #known;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.surface = new Surface(canvas);
  }

  /**
   * Draw losses.
   * @param {Losses | undefined} losses
   * @param {Interval} steps first and last one of the run
   * @param {number | undefined} at the step whose picture is shown
   */
  draw(losses, steps, at) {
    this.surface.show((context, width, height) => this.#paint(context, width, height, losses, steps, at));
  }

  /**
   * @param {Context} context
   * @param {number} width
   * @param {number} height
   * @param {Losses | undefined} losses
   * @param {Interval} steps
   * @param {number | undefined} at
   */
  #paint(context, width, height, losses, steps, at) {
    const area = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const [across, up] = [area.right - area.left, area.bottom - area.top];
    const lines = losses ? this.#lines(losses, steps, across) : new Map();
    const [low, high] = span([...lines.values()]);
    /** @type {Scales} */
    const scales = {
      x: (step) => area.left + ((step - steps[0]) / (steps[1] - steps[0] || 1)) * across,
      y: (value) => area.bottom - ((value - low) / (high - low)) * up,
    };
    drawGrid(context, area, scales, lines.size ? [low, high] : null, steps);
    if (lines.size === 0) return;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top - 1, across + 1, up + 2);
    context.clip();
    for (const [name, line] of lines) drawSpread(context, name, line, scales);
    for (const [name, line] of lines) drawMean(context, name, line, scales);
    if (at !== undefined) drawCursor(context, scales.x(at), area);
    context.restore();
  }

  /** @type {(losses: Losses, steps: Interval, width: number) => Map<string, Stretches>} */
  #lines(losses, steps, width) {
    const known = this.#known;
    if (known?.losses === losses && known.version === losses.version && known.width === width) return known.lines;
    const stretches = Math.max(1, Math.floor(width / STRETCH_PX));
    const lines = new Map(
      Object.entries(losses.values).map(([name, values]) => [name, gather(losses.steps, values, steps, stretches)]),
    );
    this.#known = { losses, version: losses.version, width, lines };
    return lines;
  }
}

/** @type {(context: Context, area: Area, scales: Scales, values: Interval | null, steps: Interval) => void} */
function drawGrid(context, area, scales, values, steps) {
  context.font = `11px ${getComputedStyle(context.canvas).fontFamily}`;
  context.fillStyle = colour("soft");
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of values ? ticks(...values) : []) {
    const y = Math.round(scales.y(value)) + 0.5;
    drawLine(context, area.left, y, area.right, y);
    context.fillText(short(value), area.left - 6, y);
  }
  context.strokeStyle = colour("edge");
  drawLine(context, area.left, area.bottom + 0.5, area.right, area.bottom + 0.5);
  if (!values) return;
  context.textBaseline = "alphabetic";
  context.fillText(`step ${count(steps[1])}`, area.right, area.bottom + 15);
  context.textAlign = "left";
  context.fillText(count(steps[0]), area.left, area.bottom + 15);
}

/** @type {(context: Context, name: string, line: Stretches, scales: Scales) => void} */
function drawSpread(context, name, { at, mean, spread, length }, scales) {
  context.fillStyle = colour((STYLES[name] ?? OTHER_STYLE).colour);
  context.globalAlpha = 0.13;
  context.beginPath();
  for (let i = 0; i < length; i++) context.lineTo(scales.x(at[i]), scales.y(mean[i] + spread[i]));
  for (let i = length - 1; i >= 0; i--) context.lineTo(scales.x(at[i]), scales.y(mean[i] - spread[i]));
  context.fill();
  context.globalAlpha = 1;
}

/** @type {(context: Context, name: string, line: Stretches, scales: Scales) => void} */
function drawMean(context, name, { at, mean, length }, scales) {
  const style = STYLES[name] ?? OTHER_STYLE;
  context.strokeStyle = colour(style.colour);
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.setLineDash(style.dashes);
  context.beginPath();
  for (let i = 0; i < length; i++) context.lineTo(scales.x(at[i]), scales.y(mean[i]));
  context.stroke();
  context.setLineDash([]);
}

/** @type {(context: Context, x: number, area: Area) => void} */
function drawCursor(context, x, area) {
  context.strokeStyle = colour("ink");
  context.lineWidth = 1;
  const crisp = Math.round(x) + 0.5;
  drawLine(context, crisp, area.top, crisp, area.bottom);
}

/** @type {(context: Context, x1: number, y1: number, x2: number, y2: number) => void} */
function drawLine(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
