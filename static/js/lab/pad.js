// The area in which points are drawn, by mouse, pen or finger. It knows the unit square only.

import { colour, followColours } from "../shared/colours.js";
import { byId } from "../shared/dom.js";
import { GRID } from "./packing.js";

/** Points of a dab of the brush; its radius, and the way from one dab to the next. */
const DAB = 3;
const BRUSH = 0.02;
const ERASER = 0.05;

const canvas = byId("pad", HTMLCanvasElement);
const eraser = byId("eraser", HTMLButtonElement);
/** @type {number[][]} */
let points = [];
let place = [0, 0];
/** The pointer that draws. @type {number | undefined} */
let pointer;

/** Let points be drawn. @param {(points: number[][]) => void} onStroke a stroke is done */
export function openPad(onStroke) {
	eraser.onclick = () => {
		eraser.ariaPressed = String(!erasing());
	};
	canvas.onpointerdown = (event) => {
		if (eraser.disabled || pointer !== undefined || event.button > 0) return;
		pointer = event.pointerId;
		canvas.setPointerCapture(pointer);
		place = placeOf(event);
		touch();
	};
	canvas.onpointermove = (event) => {
		if (event.pointerId !== pointer) return;
		for (const one of [...event.getCoalescedEvents(), event]) drawTo(placeOf(one));
	};
	canvas.onpointerup = canvas.onpointercancel = (event) => {
		if (event.pointerId !== pointer) return;
		pointer = undefined;
		onStroke(points);
	};
	new ResizeObserver(paint).observe(canvas);
	followColours(paint);
}

/** Show points of the unit square. @type {(shown: number[][], open: boolean) => void} open: one may draw */
export function showPad(shown, open) {
	points = shown;
	eraser.disabled = !open;
	paint();
}

const erasing = () => eraser.ariaPressed === "true";

/** @param {number[]} end */
function drawTo(end) {
	for (let way = distance(place, end); way >= BRUSH; way = distance(place, end)) {
		place = place.map((from, axis) => from + ((end[axis] - from) * BRUSH) / way);
		touch();
	}
}

/** Draw or erase at the place. */
function touch() {
	points = erasing()
		? points.filter((point) => distance(point, place) > ERASER)
		: [...points, ...Array.from({ length: DAB }, (_, i) => near(place, points.length + i))];
	paint();
}

/** @param {PointerEvent} event */
function placeOf({ clientX, clientY }) {
	const { left, bottom, width, height } = canvas.getBoundingClientRect();
	return [(clientX - left) / width, (bottom - clientY) / height].map(inside);
}

function paint() {
	const context = canvas.getContext("2d");
	const side = canvas.clientWidth * devicePixelRatio;
	if (!side || !context) return;
	canvas.width = canvas.height = side;
	const dot = 3 * devicePixelRatio;
	context.fillStyle = colour("real");
	for (const [x, y] of points) context.fillRect(x * side - dot / 2, (1 - y) * side - dot / 2, dot, dot);
}

/** @type {(from: number[], to: number[]) => number} */
const distance = ([x, y], [a, b]) => Math.hypot(x - a, y - b);

/** @param {number} share */
const inside = (share) => Math.min(1, Math.max(0, share));

/**
 * A place of the grid near another: the same strokes always give the same points.
 * @type {(place: number[], index: number) => number[]}
 */
function near([x, y], index) {
	const reach = BRUSH * Math.sqrt((index * Math.SQRT2) % 1);
	const turn = index * 2.4; // the golden angle
	return [x + reach * Math.cos(turn), y + reach * Math.sin(turn)].map((one) => Math.round(inside(one) * GRID) / GRID);
}
