// Small pictures of runs: points that the generator makes, where its weights are there; else the sign of the data.

import { colour } from "../shared/colours.js";
import { icon, make } from "../shared/dom.js";
import { samples } from "./service.js";
import { DATA } from "./words.js";

const SIDE = 56;
const COUNT = 100;
const RADIUS = 1.5 / SIDE;

export class Thumbnail {
	element = make("span", { className: "run-thumb", ariaHidden: "true" });
	/** @type {Job} */
	#job;
	#step = /** @type {number | null} */ (null); // of the weights that it shows
	// Nothing is asked about runs that nobody sees.
	#watcher = new IntersectionObserver(
		(entries) => entries.some(({ isIntersecting }) => isIntersecting) && this.#draw(),
	);

	/** @param {Job} job */
	constructor(job) {
		const { name = "", rows } = job.data ?? {};
		this.#job = job;
		this.element.innerHTML = icon(`toy-${DATA.has(name) && !rows ? name : "own"}`);
	}

	/** Show a run once it is seen; again where it has other weights. @param {Job} job */
	show(job) {
		this.#job = job;
		if (job.weights_step === this.#step) return;
		this.#step = job.weights_step;
		this.#watcher.observe(this.element);
	}

	async #draw() {
		const [job, step] = [this.#job, this.#step];
		this.#watcher.disconnect();
		const points = await samples(job.id, COUNT).catch(() => null); // its files may be gone
		if (points && step === this.#step) this.element.replaceChildren(paint(points, job));
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
