// The losses as lines: the mean of each stretch of steps, and faintly behind it how far the steps spread.

import { colour } from "./colours.js";
import { gather, span, ticks } from "./stretches.js";
import { Surface } from "./surface.js";
import { count, short } from "./words.js";

/** @typedef {import("./run.js").Losses} Losses */
/** @typedef {import("./stretches.js").Stretches} Stretches */
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
  /** @type {{losses: Losses | undefined, steps: [number, number], at: number | undefined}} */
  #scene = { losses: undefined, steps: [0, 1], at: undefined };
  /** @type {{version: number, losses: Losses, width: number, lines: Map<string, Stretches>} | undefined} */
  #known;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.surface = new Surface(canvas, () => this.redraw());
  }

  /**
   * Draw losses.
   * @param {Losses | undefined} losses
   * @param {[number, number]} steps first and last one of the run
   * @param {number | undefined} at the step whose picture is shown
   */
  draw(losses, steps, at) {
    this.#scene = { losses, steps, at };
    this.redraw();
  }

  /** Draw the last scene anew. */
  redraw() {
    const { losses, steps, at } = this.#scene;
    const { context, width, height } = this.surface.begin();
    const area = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const lines = losses ? this.#lines(losses, steps, area.right - area.left) : new Map();
    const [low, high] = span([...lines.values()]);
    const scales = {
      x: (/** @type {number} */ step) =>
        area.left + ((step - steps[0]) / (steps[1] - steps[0] || 1)) * (area.right - area.left),
      y: (/** @type {number} */ value) => area.bottom - ((value - low) / (high - low)) * (area.bottom - area.top),
    };
    drawGrid(context, area, scales, lines.size ? [low, high] : null, steps);
    if (lines.size === 0) return;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top - 1, area.right - area.left + 1, area.bottom - area.top + 2);
    context.clip();
    for (const [name, line] of lines) drawSpread(context, name, line, scales);
    for (const [name, line] of lines) drawMean(context, name, line, scales);
    if (at !== undefined) drawCursor(context, scales.x(at), area);
    context.restore();
  }

  /**
   * @param {Losses} losses
   * @param {[number, number]} steps
   * @param {number} width
   */
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

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{left: number, right: number, top: number, bottom: number}} area
 * @param {Scales} scales
 * @param {[number, number] | null} values
 * @param {[number, number]} steps
 */
function drawGrid(context, area, scales, values, steps) {
  context.font = `11px ${getComputedStyle(context.canvas).fontFamily}`;
  context.fillStyle = colour("soft");
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.setLineDash([]);
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of values ? ticks(...values) : []) {
    const y = Math.round(scales.y(value)) + 0.5;
    rule(context, area.left, y, area.right, y);
    context.fillText(short(value), area.left - 6, y);
  }
  context.strokeStyle = colour("edge");
  rule(context, area.left, area.bottom + 0.5, area.right, area.bottom + 0.5);
  if (!values) return;
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.fillText(count(steps[0]), area.left, area.bottom + 15);
  context.textAlign = "right";
  context.fillText(`step ${count(steps[1])}`, area.right, area.bottom + 15);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} name
 * @param {Stretches} line
 * @param {Scales} scales
 */
function drawSpread(context, name, { at, mean, spread, length }, scales) {
  context.fillStyle = colour((STYLES[name] ?? OTHER_STYLE).colour);
  context.globalAlpha = 0.13;
  context.beginPath();
  for (let i = 0; i < length; i++) context.lineTo(scales.x(at[i]), scales.y(mean[i] + spread[i]));
  for (let i = length - 1; i >= 0; i--) context.lineTo(scales.x(at[i]), scales.y(mean[i] - spread[i]));
  context.fill();
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} name
 * @param {Stretches} line
 * @param {Scales} scales
 */
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

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {{top: number, bottom: number}} area
 */
function drawCursor(context, x, area) {
  context.strokeStyle = colour("ink");
  context.lineWidth = 1;
  const crisp = Math.round(x) + 0.5;
  rule(context, crisp, area.top, crisp, area.bottom);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function rule(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
