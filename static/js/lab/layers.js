// The layers of a picture. Places are pixels, x and y in turn.

import { colour } from "../shared/colours.js";
import { circledPair, pairOf } from "./axes.js";
import { ticks } from "./stretches.js";
import { short } from "./words.js";

const FULL_CIRCLE = 2 * Math.PI;
/** From an edge to the numbers along it, in pixels, and the share of an edge at both ends that has none. */
const EDGE = 5;
const CORNER = 0.06;
/** Length of the longest thinkable arrow, as a share of the width, and of heads in pixels. */
const REACH = 0.16;
const HEAD = 5;

// Crosses and discs: told apart by their form, with or without colour. Where there are values, points have colours of
// their own: coordinates 2 to 4 are red, green and blue.
/** @type {(context: Context, places: Float32Array, size: number, values: Float64Array | null) => void} */
export function drawReal(context, places, size, values) {
	context.strokeStyle = colour("real");
	context.lineWidth = Math.max(1, size * (values ? 1 : 0.55));
	context.globalAlpha = 0.8;
	context.beginPath();
	for (let at = 0; at < places.length; at += 2) {
		const [x, y] = [places[at], places[at + 1]];
		context.moveTo(x - size, y - size);
		context.lineTo(x + size, y + size);
		context.moveTo(x - size, y + size);
		context.lineTo(x + size, y - size);
		if (!values) continue;
		context.strokeStyle = ownColour(values, at / 2);
		context.stroke();
		context.beginPath();
	}
	context.stroke();
	context.globalAlpha = 1;
}

/** @type {typeof drawReal} */
export function drawMade(context, places, size, values) {
	context.fillStyle = colour("made");
	context.strokeStyle = colour("made-rim");
	context.lineWidth = Math.max(0.75, size * 0.3);
	for (let at = 0; at < places.length; at += 2) {
		if (values) context.fillStyle = ownColour(values, at / 2);
		context.beginPath();
		context.arc(places[at], places[at + 1], (values ? 1.4 : 1.1) * size, 0, FULL_CIRCLE);
		context.fill();
		context.stroke();
	}
}

/** @type {(values: Float64Array, point: number) => string} of a point with five coordinates */
const ownColour = (values, point) =>
	`rgb(${[2, 3, 4].map((k) => Math.round(255 * Math.min(1, Math.max(0, values[5 * point + k]))))})`;

/** Draw a line, or all of a grid. @type {(context: Context, places: Float32Array, columns: number) => void} */
export function drawManifold(context, places, columns) {
	const count = places.length / 2;
	/** @type {(from: number, end: number, step: number) => void} */
	const addLine = (from, end, step) => {
		context.moveTo(places[2 * from], places[2 * from + 1]);
		for (let at = from + step; at < end; at += step) context.lineTo(places[2 * at], places[2 * at + 1]);
	};
	context.beginPath();
	for (let row = 0; row < count; row += columns) addLine(row, row + columns, 1);
	if (count > columns) for (let column = 0; column < columns; column++) addLine(column, count, columns);
	context.strokeStyle = colour("manifold");
	context.lineWidth = count > columns ? 1 : 2;
	context.lineJoin = "round";
	context.stroke();
}

/** Draw steps as arrows: the longer, the stronger, but however strong, not far. */
/** @type {(context: Context, width: number, places: Float32Array, steps: Float32Array) => void} */
export function drawArrows(context, width, places, steps) {
	const scale = Math.min(1, width / 360); // many of them must not fill a small picture
	context.beginPath();
	for (let at = 0; at < steps.length; at += 2) {
		const strength = Math.hypot(steps[at], steps[at + 1]);
		const length = REACH / (1 / strength + 1 / width);
		if (!(length > 0.5)) continue; // not to be seen, or no number
		const [dx, dy] = [(length * steps[at]) / strength, (length * steps[at + 1]) / strength];
		const [x, y] = [places[at] + dx, places[at + 1] + dy];
		const head = Math.min((scale * HEAD) / length, 0.5);
		context.moveTo(places[at], places[at + 1]);
		context.lineTo(x, y);
		for (const side of [0.6, -0.6]) {
			context.moveTo(x - (dx + side * dy) * head, y - (dy - side * dx) * head);
			context.lineTo(x, y);
		}
	}
	outline(context, scale);
}

/** Circle what counts as near a mode, exactly what the figures count; dashed where too few generated points are. */
/** @type {(context: Context, real: Real, covered: boolean[] | null, axes: string, plane: Plane) => void} */
export function drawModes(context, real, covered, axes, { factors, origin }) {
	const pair = circledPair(real, axes);
	if (!pair) return;
	const [across, up] = pair.map((axis, k) => Math.abs(real.radius * factors[k][axis]));
	for (const [i, centre] of real.modes?.entries() ?? []) {
		const [x, y] = pair.map((axis, k) => origin[k] + centre[axis] * factors[k][axis]);
		context.beginPath();
		context.ellipse(x, y, across, up, 0, 0, FULL_CIRCLE);
		outline(context, 1, covered?.[i] === false);
	}
}

/** Draw a dark line on a light one, which shows it in a crowd. @type {(context: Context, scale: number, dashed?: boolean) => void} */
function outline(context, scale, dashed) {
	context.strokeStyle = colour("made-rim");
	context.lineWidth = 3.5 * scale;
	context.stroke();
	context.strokeStyle = colour("ink");
	context.lineWidth = 1.25 * scale;
	context.setLineDash(dashed ? [3, 3] : []);
	context.stroke();
	context.setLineDash([]);
}

/** Write round numbers along the lower and the left edge; principal components have none. */
/** @type {(context: Context, width: number, height: number, real: Real, axes: string) => void} */
export function drawNumbers(context, width, height, { box }, axes) {
	const pair = (pairOf(axes) ?? []).filter((axis) => axis < box.length);
	context.font = `11px ${colour("sans")}`;
	context.fillStyle = colour("ink");
	context.strokeStyle = colour("score-middle"); // tells them from the points below
	context.lineWidth = 3;
	context.lineJoin = "round";
	for (const [k, axis] of pair.entries()) {
		const [low, high] = box[axis];
		context.textAlign = k ? "left" : "center";
		context.textBaseline = k ? "middle" : "alphabetic";
		for (const value of ticks(low, high)) {
			const share = (value - low) / (high - low);
			if (share <= CORNER || share >= 1 - CORNER) continue;
			const [x, y] = k ? [EDGE, (1 - share) * height] : [share * width, height - EDGE];
			context.strokeText(short(value), x, y);
			context.fillText(short(value), x, y);
		}
	}
}
