// Losses as lines: the mean of each stretch of steps, and faintly behind it how far the steps spread.

import { colour, followColours } from "../shared/colours.js";
import { make } from "../shared/dom.js";
import { gather, span, ticks } from "./stretches.js";
import { Surface } from "./surface.js";
import { count, short } from "./words.js";

/** @typedef {{losses: Losses, name: string, style: {colour: string, dashes: number[]}}} Line */

/** Of runs that are compared: told apart by their dashes, with or without colour. */
const RUN_STYLES = [
	{ colour: "real", dashes: [] },
	{ colour: "made-line", dashes: [7, 3] },
	{ colour: "third", dashes: [2, 2] },
];
export const MOST_RUNS = RUN_STYLES.length;
/** Of one run. @type {Record<string, Line["style"]>} */
const LOSS_STYLES = {
	discr_loss: { colour: "real", dashes: [] },
	gen_loss: { colour: "made-line", dashes: [] },
	gp: { colour: "soft", dashes: [3, 3] },
};
const MARGIN = { top: 8, right: 4, bottom: 20, left: 38 };
const STRETCH_PX = 4;

export class Plot {
	#cursor = make("i", { className: "cursor", hidden: true });
	/** @type {unknown[]} what the drawing shows */
	#known = [];
	/** @type {number | undefined} */
	#at;
	#x = (/** @type {number} */ step) => step;

	/**
	 * @param {HTMLCanvasElement} canvas
	 * @param {string} [name] of the loss of all runs that it shows; else it shows all of the first run
	 */
	constructor(canvas, name) {
		this.name = name;
		this.surface = new Surface(canvas);
		canvas.after(this.#cursor);
		followColours(() => {
			this.#known = [];
		});
	}

	/** Draw losses, unless they are drawn already, and point at a step. @type {(runs: Run[], at?: number) => void} */
	draw(runs, at) {
		const lines = linesOf(runs, this.name);
		const forks = [...new Set(runs.flatMap((run) => run.forks))];
		const first = Math.min(...runs.map((run) => run.first));
		const last = Math.max(...runs.map(({ job, ended, step }) => (ended && this.name ? step : job.steps)));
		const wanted = [first, last, ...forks, ...lines.flatMap(({ losses }) => [losses, losses.steps.length])];
		this.#at = lines.length ? at : undefined;
		this.#point();
		if (wanted.length === this.#known.length && wanted.every((part, i) => part === this.#known[i])) return;
		this.#known = wanted;
		this.surface.show((context, width, height) => {
			this.#x = paint(context, width, height, lines, [first, last], forks);
			this.#point();
		});
	}

	#point() {
		this.#cursor.hidden = this.#at === undefined;
		this.#cursor.style.transform = `translateX(${Math.round(this.#x(this.#at ?? 0))}px)`;
	}
}

/** @type {(runs: Run[], name: string | undefined) => Line[]} */
function linesOf(runs, name) {
	if (name) return runs.flatMap(({ losses }, i) => (losses.values[name] ? { losses, name, style: RUN_STYLES[i] } : []));
	const losses = runs[0]?.losses;
	return Object.keys(losses?.values ?? {}).map((one) => ({ losses, name: one, style: LOSS_STYLES[one] }));
}

/** @type {(context: Context, width: number, height: number, lines: Line[], steps: Interval, forks: number[]) => (step: number) => number} where a step lies */
function paint(context, width, height, lines, [first, last], forks) {
	const { top, left } = MARGIN;
	const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
	const stretches = Math.max(1, Math.floor((right - left) / STRETCH_PX));
	const gathered = lines.map(({ losses, name }) => gather(losses.steps, losses.values[name], [first, last], stretches));
	const [low, high] = span(gathered);
	const x = (/** @type {number} */ step) => left + ((step - first) / (last - first || 1)) * (right - left);
	const y = (/** @type {number} */ value) => bottom - ((value - low) / (high - low)) * (bottom - top);
	/** The means of a line and so many spreads. @type {(i: number, spreads: number) => number[][]} */
	const points = (i, spreads) => gathered[i].map(({ at, mean, spread }) => [x(at), y(mean + spreads * spread)]);

	context.font = `11px ${getComputedStyle(context.canvas).fontFamily}`;
	context.lineWidth = 1;
	context.textBaseline = "middle";
	drawLine(context, "edge", [left, bottom + 0.5], [right, bottom + 0.5]);
	if (lines.length === 0) return x;
	for (const value of ticks(low, high)) {
		const level = Math.round(y(value)) + 0.5;
		drawLine(context, "line", [left, level], [right, level]);
		write(context, short(value), left - 6, level, "right");
	}
	context.textBaseline = "alphabetic";
	write(context, `step ${count(last)}`, right, bottom + 15, "right");
	write(context, count(first), left, bottom + 15, "left");

	context.save();
	context.beginPath();
	context.rect(left, top - 1, right - left + 1, bottom - top + 2);
	context.clip();
	context.globalAlpha = 0.13;
	for (const [i, { style }] of lines.entries()) {
		context.fillStyle = colour(style.colour);
		trace(context, [...points(i, 1), ...points(i, -1).reverse()]);
		context.fill();
	}
	context.globalAlpha = 1;
	context.lineWidth = 1.5;
	context.lineJoin = "round";
	for (const [i, { style }] of lines.entries()) {
		context.setLineDash(style.dashes);
		drawLine(context, style.colour, ...points(i, 0));
	}
	context.setLineDash([1, 3]);
	for (const fork of forks) {
		const isLate = x(fork) > right - 40;
		drawLine(context, "soft", [x(fork), top], [x(fork), bottom]);
		write(context, "fork", x(fork) + (isLate ? -4 : 4), top + 8, isLate ? "right" : "left");
	}
	context.restore();
	return x;
}

/** @type {(context: Context, text: string, x: number, y: number, align: CanvasTextAlign) => void} */
function write(context, text, x, y, align) {
	context.fillStyle = colour("soft");
	context.textAlign = align;
	context.fillText(text, x, y);
}

/** @type {(context: Context, name: string, ...points: number[][]) => void} name: of the colour */
function drawLine(context, name, ...points) {
	context.strokeStyle = colour(name);
	trace(context, points);
	context.stroke();
}

/** @type {(context: Context, points: number[][]) => void} */
function trace(context, points) {
	context.beginPath();
	for (const [x, y] of points) context.lineTo(x, y);
}
