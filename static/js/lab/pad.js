// The area in which points are drawn, by mouse, pen or finger. It knows the unit square only.

import { colour, followColours } from "../shared/colours.js";
import { GRID } from "./packing.js";

/** Points of a dab of the brush; its radius, and the way from one dab to the next. */
const DAB = 3;
const BRUSH = 0.02;
const ERASER = 0.05;

export class Pad {
	erasing = false;
	/** Whether one may draw. */
	#open = true;
	/** @type {number[][]} */
	#points = [];
	#place = [0, 0];
	/** @type {number | undefined} the pointer that draws */
	#pointer;

	/**
	 * @param {HTMLCanvasElement} canvas
	 * @param {(points: number[][]) => void} onStroke a stroke is done
	 */
	constructor(canvas, onStroke) {
		this.canvas = canvas;
		canvas.onpointerdown = (event) => {
			if (!this.#open || this.#pointer !== undefined || event.button > 0) return;
			this.#pointer = event.pointerId;
			canvas.setPointerCapture(event.pointerId);
			this.#place = this.#placeOf(event);
			this.#touch();
		};
		canvas.onpointermove = (event) => {
			if (event.pointerId !== this.#pointer) return;
			for (const one of [...event.getCoalescedEvents(), event]) this.#drawTo(this.#placeOf(one));
		};
		canvas.onpointerup = canvas.onpointercancel = (event) => {
			if (event.pointerId !== this.#pointer) return;
			this.#pointer = undefined;
			onStroke(this.#points);
		};
		new ResizeObserver(() => this.#paint()).observe(canvas);
		followColours(() => this.#paint());
	}

	/** Show points of the unit square. @type {(points: number[][], open: boolean) => void} */
	show(points, open) {
		this.#points = points;
		this.#open = open;
		this.#paint();
	}

	/** @param {number[]} place */
	#drawTo(place) {
		for (let way = distance(this.#place, place); way >= BRUSH; way = distance(this.#place, place)) {
			this.#place = this.#place.map((from, axis) => from + ((place[axis] - from) * BRUSH) / way);
			this.#touch();
		}
	}

	/** Draw or erase at the place. */
	#touch() {
		const points = this.#points;
		this.#points = this.erasing
			? points.filter((point) => distance(point, this.#place) > ERASER)
			: [...points, ...Array.from({ length: DAB }, (_, i) => near(this.#place, points.length + i))];
		this.#paint();
	}

	/** @param {PointerEvent} event */
	#placeOf({ clientX, clientY }) {
		const { left, bottom, width, height } = this.canvas.getBoundingClientRect();
		return [(clientX - left) / width, (bottom - clientY) / height].map(inside);
	}

	#paint() {
		const { canvas } = this;
		const context = canvas.getContext("2d");
		const side = canvas.clientWidth * devicePixelRatio;
		if (!side || !context) return;
		canvas.width = canvas.height = side;
		const dot = 3 * devicePixelRatio;
		context.fillStyle = colour("real");
		for (const [x, y] of this.#points) context.fillRect(x * side - dot / 2, (1 - y) * side - dot / 2, dot, dot);
	}
}

/** @type {(from: number[], to: number[]) => number} */
const distance = ([x, y], [a, b]) => Math.hypot(x - a, y - b);

/** @param {number} share */
const inside = (share) => Math.min(1, Math.max(0, share));

/** A place of the grid near another place: the same strokes always give the same points. @type {(place: number[], index: number) => number[]} */
function near([x, y], index) {
	const reach = BRUSH * Math.sqrt((index * Math.SQRT2) % 1);
	const turn = index * 2.4; // the golden angle
	return [x + reach * Math.cos(turn), y + reach * Math.sin(turn)].map((one) => Math.round(inside(one) * GRID) / GRID);
}
