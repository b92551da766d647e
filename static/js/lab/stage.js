// The picture of a run: its layers, one over the other.

import { colour } from "../shared/colours.js";
import { COLOURS, chosenAxes, planeOf, project, SCORED } from "./axes.js";
import { drawHeatmap } from "./heatmap.js";
import { drawArrows, drawMade, drawManifold, drawModes, drawNumbers, drawReal } from "./layers.js";
import { Sheet, Surface } from "./surface.js";

/** Where points with one coordinate only are lined up, as shares of the height. */
const LINES = { real: 0.4, made: 0.6 };

/** @typedef {{plane: Plane, made: Float32Array, manifold: Float32Array | null, pull: Float32Array | null}} Places */

/** @type {WeakMap<Frame, Places>} */
const known = new WeakMap();

export class Stage {
	#real = new Sheet();

	/** @param {HTMLCanvasElement} canvas */
	constructor(canvas) {
		this.surface = new Surface(canvas);
	}

	/** @type {(real: Real | undefined, moment: Moment | undefined, seen: Seen) => void} */
	draw(real, moment, { layers, axes: wanted }) {
		this.surface.show((context, width, height) => {
			const axes = real ? chosenAxes(real, wanted) : SCORED;
			// In slow motion, whatever moves is seen.
			const isSeen = (/** @type {string} */ layer) => moment?.critic !== undefined || layers.has(layer);
			context.fillStyle = colour("score-middle");
			context.fillRect(0, 0, width, height);
			if (moment && axes === SCORED && isSeen("scores")) drawHeatmap(context, width, height, moment);
			if (!real) return;
			const plane = planeOf(real, axes, width, height);
			const size = Math.max(1.6, Math.min(width, height) / 150);
			const hasColours = axes === COLOURS;
			if (layers.has("real")) {
				this.#real.copy(context, width, height, [plane, colour("real")], (sheet) => {
					const places = project(real.points, plane.factors, originOf(real, plane, height * LINES.real));
					drawReal(sheet, places, size, hasColours ? real.points.values : null);
				});
			}
			const shown = moment && placesAt(moment, real, plane, height);
			if (shown?.manifold && layers.has("manifold")) drawManifold(context, shown.manifold, shown.columns);
			drawModes(context, real, moment?.from.covered ?? null, axes, plane);
			if (shown && isSeen("generated")) drawMade(context, shown.made, size, hasColours ? shown.values : null);
			if (shown?.pull && isSeen("gradient")) drawArrows(context, width, shown.tails, shown.pull);
			if (real.own) drawNumbers(context, width, height, real, axes);
		});
	}
}

/** @type {(moment: Moment, real: Real, plane: Plane, height: number) => any} */
function placesAt({ from, to, share, critic }, real, plane, height) {
	const [before, after] = [from, to].map((frame) => placesOf(frame, real, plane, height));
	const made = between(before.made, after.made, share);
	// In slow motion points move along arrows that stay. After half a step the critic has moved, and with it the arrows.
	const turn = critic === undefined ? share : Number.isInteger(to.step) ? 0 : critic;
	return {
		made,
		values: between(from.made.values, to.made.values, share),
		manifold: between(before.manifold, after.manifold, share),
		columns: from.manifold?.columns,
		tails: critic === undefined ? made : before.made,
		pull: between(before.pull, after.pull, turn),
	};
}

/** @type {(frame: Frame, real: Real, plane: Plane, height: number) => Places} */
function placesOf(frame, real, plane, height) {
	let found = known.get(frame);
	if (found?.plane === plane) return found;
	const { made, manifold, pull } = frame;
	found = {
		plane,
		made: project(made, plane.factors, originOf(real, plane, height * LINES.made)),
		manifold: manifold && project(manifold, plane.factors, plane.origin),
		pull: pull && project(pull, plane.factors, [0, 0]),
	};
	if (manifold?.dimensions === 1) {
		// The graph: the random number grows from below.
		found.manifold?.forEach((_, at, all) => {
			if (at % 2) all[at] = height * (1 - ((at >> 1) % manifold.columns) / (manifold.columns - 1));
		});
	}
	known.set(frame, found);
	return found;
}

/** @type {(real: Real, plane: Plane, line: number) => number[]} */
const originOf = ({ points }, { origin }, line) => (points.dimensions > 1 ? origin : [origin[0], line]);

/**
 * @template {Float32Array | Float64Array | null} Numbers
 * @param {Numbers} from
 * @param {Numbers} to
 * @param {number} share
 * @returns {Numbers}
 */
function between(from, to, share) {
	if (!from || share === 0 || to?.length !== from.length) return from;
	return /** @type {Numbers} */ (from.map((value, at) => value + (to[at] - value) * share));
}
