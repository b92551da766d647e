// Losses as lines: the mean of each stretch of steps, and faintly behind it how far the steps spread.

import { colour, followColours } from "../shared/colours.js";
import { make } from "../shared/dom.js";
import { gather, span, ticks } from "./stretches.js";
import { Surface } from "./surface.js";
import { count, short } from "./words.js";

/** @typedef {ReturnType<typeof gather>} Stretches */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Area */
/** @typedef {{x: (step: number) => number, y: (value: number) => number}} Scales */
/** @typedef {{colour: string, dashes: number[]}} Style */
/** @typedef {Style & {losses: Losses, name: string}} Line */

/** @type {Record<string, Style>} */
const STYLES = {
	discr_loss: { colour: "real", dashes: [] },
	gen_loss: { colour: "made-line", dashes: [] },
};
/** Of the penalty, and of whatever else there may be. */
const OTHER_STYLE = { colour: "soft", dashes: [3, 3] };
/** Of the runs that are compared: told apart by their dashes, with or without colour. */
export const RUN_STYLES = [
	{ colour: "real", dashes: [] },
	{ colour: "made-line", dashes: [7, 3] },
	{ colour: "third", dashes: [2, 2] },
];
const MARGIN = { top: 8, right: 4, bottom: 20, left: 38 };
const STRETCH_PX = 4;

/** All losses of a run. @type {(run: Run) => Line[]} */
export const linesOf = ({ joined }) =>
	Object.keys(joined.values).map((name) => ({ losses: joined, name, ...(STYLES[name] ?? OTHER_STYLE) }));

/** One loss of several runs. @type {(runs: Run[], name: string) => Line[]} */
export const linesOver = (runs, name) =>
	runs.flatMap(({ joined }, i) => (joined.values[name] ? { losses: joined, name, ...RUN_STYLES[i] } : []));

export class Plot {
	#cursor = make("i", { className: "cursor", hidden: true });
	/** @type {unknown[]} what the drawing shows */
	#known = [];
	/** @type {number | undefined} */
	#at;
	#x = (/** @type {number} */ step) => step;

	/** @param {HTMLCanvasElement} canvas */
	constructor(canvas) {
		this.surface = new Surface(canvas);
		canvas.after(this.#cursor);
		followColours(() => {
			this.#known = [];
		});
	}

	/**
	 * Draw losses, if they are not drawn already.
	 * @param {Line[]} lines
	 * @param {Interval} steps first and last one
	 * @param {number | undefined} at the step whose picture is shown
	 * @param {number[]} [forks] steps at which a run went on from another one
	 */
	draw(lines, steps, at, forks = []) {
		const wanted = [...steps, ...forks, ...lines.flatMap(({ losses, name }) => [losses, losses.version, name])];
		this.point(lines.length ? at : undefined);
		if (wanted.length === this.#known.length && wanted.every((part, i) => part === this.#known[i])) return;
		this.#known = wanted;
		this.surface.show((context, width, height) => {
			this.#x = paint(context, width, height, lines, steps, forks).x;
			this.point(this.#at);
		});
	}

	/** Point at a step, without drawing the lines anew. @param {number | undefined} at */
	point(at) {
		this.#at = at;
		this.#cursor.hidden = at === undefined;
		if (at !== undefined) this.#cursor.style.transform = `translateX(${Math.round(this.#x(at))}px)`;
	}
}

/** @type {(context: Context, width: number, height: number, lines: Line[], steps: Interval, forks: number[]) => Scales} */
function paint(context, width, height, lines, steps, forks) {
	const area = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
	const [across, up] = [area.right - area.left, area.bottom - area.top];
	const stretches = Math.max(1, Math.floor(across / STRETCH_PX));
	const gathered = lines.map(({ losses, name }) => gather(losses.steps, losses.values[name], steps, stretches));
	const [low, high] = span(gathered);
	/** @type {Scales} */
	const scales = {
		x: (step) => area.left + ((step - steps[0]) / (steps[1] - steps[0] || 1)) * across,
		y: (value) => area.bottom - ((value - low) / (high - low)) * up,
	};
	drawGrid(context, area, scales, lines.length ? [low, high] : null, steps);
	context.save();
	context.beginPath();
	context.rect(area.left, area.top - 1, across + 1, up + 2);
	context.clip();
	for (const [i, line] of lines.entries()) drawSpread(context, line, gathered[i], scales);
	for (const [i, line] of lines.entries()) drawMean(context, line, gathered[i], scales);
	for (const fork of forks) drawFork(context, scales.x(fork), area);
	context.restore();
	return scales;
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

/** @type {(context: Context, style: Style, line: Stretches, scales: Scales) => void} */
function drawSpread(context, style, stretches, scales) {
	context.fillStyle = colour(style.colour);
	context.globalAlpha = 0.13;
	context.beginPath();
	for (const { at, mean, spread } of stretches) context.lineTo(scales.x(at), scales.y(mean + spread));
	for (const { at, mean, spread } of stretches.toReversed()) context.lineTo(scales.x(at), scales.y(mean - spread));
	context.fill();
	context.globalAlpha = 1;
}

/** @type {(context: Context, style: Style, line: Stretches, scales: Scales) => void} */
function drawMean(context, style, stretches, scales) {
	context.strokeStyle = colour(style.colour);
	context.lineWidth = 1.5;
	context.lineJoin = "round";
	context.setLineDash(style.dashes);
	context.beginPath();
	for (const { at, mean } of stretches) context.lineTo(scales.x(at), scales.y(mean));
	context.stroke();
	context.setLineDash([]);
}

/** @type {(context: Context, x: number, area: Area) => void} */
function drawFork(context, x, { right, top, bottom }) {
	context.strokeStyle = context.fillStyle = colour("soft");
	context.setLineDash([1, 3]);
	drawLine(context, x, top, x, bottom);
	context.setLineDash([]);
	const isLate = x > right - 40;
	context.textAlign = isLate ? "right" : "left";
	context.fillText("fork", x + (isLate ? -4 : 4), top + 8);
}

/** @type {(context: Context, x1: number, y1: number, x2: number, y2: number) => void} */
function drawLine(context, x1, y1, x2, y2) {
	context.beginPath();
	context.moveTo(x1, y1);
	context.lineTo(x2, y2);
	context.stroke();
}
