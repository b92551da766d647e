// Small pictures of runs: points that the generator makes, where its weights are there; else the sign of the data.

import { colour } from "../shared/colours.js";
import { icon, make } from "../shared/dom.js";
import { samples } from "./service.js";
import { DATA } from "./words.js";

const SIDE = 56;
const COUNT = 100;
const RADIUS = 1.5 / SIDE;

/** @type {WeakMap<Element, () => void>} */
const unseen = new WeakMap();
// Nothing is asked about runs that nobody sees.
const watcher = new IntersectionObserver((entries) => {
	for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
		watcher.unobserve(target);
		unseen.get(target)?.();
	}
});

export class Thumbnail {
	element = make("span", { className: "run-thumb", ariaHidden: "true" });
	#step = /** @type {number | null} */ (null); // of the weights that it shows

	/** @param {Job} job */
	constructor({ data }) {
		const sign = DATA.has(data?.name ?? "") && !data?.rows ? data?.name : "own";
		this.element.innerHTML = icon(`toy-${sign}`);
	}

	/** Show a run once it is seen; again where it has other weights. @param {Job} job */
	show(job) {
		const step = job.weights_step;
		if (step === this.#step) return;
		this.#step = step;
		unseen.set(this.element, async () => {
			const points = await samples(job.id, COUNT).catch(() => null); // its files may be gone
			if (points && step === this.#step) this.element.replaceChildren(paint(points, job));
		});
		watcher.observe(this.element);
	}
}

/** Draw the first two coordinates, in the range of the data. @type {(points: number[][], job: Job) => Element} */
function paint(points, { data }) {
	const canvas = make("canvas");
	const brush = canvas.getContext("2d");
	const scale = SIDE * devicePixelRatio;
	canvas.width = canvas.height = scale;
	if (!brush) return canvas;
	brush.setTransform(scale, 0, 0, -scale, 0, scale); // a unit square with y upwards
	brush.fillStyle = colour("made");
	const map = data?.transform;
	for (const point of points) {
		const [x, y = 0.5] = map ? point.map((value, i) => (value - map.offset[i]) / (map.scale[i] || 1)) : point;
		brush.beginPath();
		brush.arc(x, y, RADIUS, 0, 7);
		brush.fill();
	}
	return canvas;
}
