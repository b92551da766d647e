// The layers of a picture.

import { colour } from "../shared/colours.js";
import { COLOURS, circledPair, pairOf, project } from "./axes.js";
import { ticks } from "./stretches.js";
import { short } from "./words.js";

const FULL_CIRCLE = 2 * Math.PI;
/** Where points with one coordinate only are lined up, as shares of the height. */
const REAL_LINE = 0.4;
const MADE_LINE = 0.6;
/** From an edge to the numbers along it, in pixels, and the share of an edge at both ends that has none. */
const EDGE = 5;
const CORNER = 0.06;
/** Length of the longest thinkable arrow, as a share of the width, and of heads in pixels. */
const REACH = 0.16;
const HEAD = 5;

/** Where points are: pixels, x and y in turn. @type {(view: View, points: Points, line: number) => Float32Array} */
const place = ({ plane: { factors, origin }, height }, points, line) =>
	project(points, factors, points.dimensions > 1 ? origin : [origin[0], line * height]);

// Crosses and discs: told apart by their form, with or without colour. Points may have colours of their own: coordinates
// 2 to 4 are red, green and blue.
/** @param {View} view */
export function drawReal(view) {
	const { context, real, axes, size } = view;
	const places = place(view, real.points, REAL_LINE);
	context.strokeStyle = colour("real");
	context.lineWidth = Math.max(1, size * (axes === COLOURS ? 1 : 0.55));
	context.globalAlpha = 0.8;
	context.beginPath();
	for (let at = 0; at < places.length; at += 2) {
		const [x, y] = [places[at], places[at + 1]];
		context.moveTo(x - size, y - size);
		context.lineTo(x + size, y + size);
		context.moveTo(x - size, y + size);
		context.lineTo(x + size, y - size);
		if (axes !== COLOURS) continue;
		context.strokeStyle = ownColour(real.points, at / 2);
		context.stroke();
		context.beginPath();
	}
	context.stroke();
	context.globalAlpha = 1;
}

/** @type {(view: View, made: Points) => void} */
export function drawMade(view, made) {
	const { context, axes, size } = view;
	const places = place(view, made, MADE_LINE);
	context.fillStyle = colour("made");
	context.strokeStyle = colour("made-rim");
	context.lineWidth = Math.max(0.75, size * 0.3);
	for (let at = 0; at < places.length; at += 2) {
		if (axes === COLOURS) context.fillStyle = ownColour(made, at / 2);
		context.beginPath();
		context.arc(places[at], places[at + 1], (axes === COLOURS ? 1.4 : 1.1) * size, 0, FULL_CIRCLE);
		context.fill();
		context.stroke();
	}
}

/** @type {(points: Points, index: number) => string} */
const ownColour = ({ values }, index) =>
	`rgb(${[2, 3, 4].map((k) => Math.round(255 * Math.min(1, Math.max(0, values[5 * index + k]))))})`;

/** Draw a line, or all of a grid. @type {(view: View, net: Net) => void} */
export function drawManifold({ context, plane, height }, net) {
	const { count, columns, dimensions } = net;
	const places = project(net, plane.factors, plane.origin);
	for (let i = 0; dimensions === 1 && i < count; i++) {
		places[2 * i + 1] = height * (1 - (i % columns) / (columns - 1)); // a graph: the random number grows from below
	}
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
/** @type {(view: View, from: Points, pull: Points) => void} */
export function drawArrows(view, from, pull) {
	const { context, width, plane } = view;
	const places = place(view, from, MADE_LINE);
	const steps = project(pull, plane.factors, [0, 0]);
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
/** @type {(view: View, covered: boolean[] | null | undefined) => void} */
export function drawModes({ context, real, axes, plane: { factors, origin } }, covered) {
	const pair = circledPair(real, axes);
	const [across, up] = pair.map((axis, k) => Math.abs(real.radius * factors[k][axis]));
	for (const [i, centre] of pair.length ? (real.modes ?? []).entries() : []) {
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

/** Write round numbers along the lower and the left edge; principal components have none. @param {View} view */
export function drawNumbers({ context, width, height, axes, real: { box } }) {
	const pair = pairOf(axes).filter((axis) => axis < box.length);
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
