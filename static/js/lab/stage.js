// The picture of a run: its layers, one over the other.

import { colour } from "../shared/colours.js";
import { COLOURS, chosenAxes, planeOf, project, SCORED } from "./axes.js";
import { drawHeatmap } from "./heatmap.js";
import { drawArrows, drawMade, drawManifold, drawModes, drawNumbers, drawReal } from "./layers.js";
import { Sheet, Surface } from "./surface.js";

/** Where points with one coordinate only are lined up, as shares of the height. */
const LINES = { real: 0.4, made: 0.6 };

export class Stage {
	#real = new Sheet();

	/** @param {HTMLCanvasElement} canvas */
	constructor(canvas) {
		this.surface = new Surface(canvas);
	}

	/** @type {(real: Real | undefined, moment: Moment | undefined, seen: Seen) => void} */
	draw(real, moment, { layers, axes: wanted }) {
		// In slow motion, whatever moves is seen.
		const isSeen = (/** @type {string} */ layer) => moment?.critic !== undefined || layers.has(layer);
		const axes = real ? chosenAxes(real, wanted) : SCORED;
		this.surface.show((context, width, height) => {
			context.fillStyle = colour("score-middle");
			context.fillRect(0, 0, width, height);
			if (moment && axes === SCORED && isSeen("scores")) drawHeatmap(context, width, height, moment);
			if (!real) return;
			const plane = planeOf(real, axes, width, height);
			/** @type {(points: Points, line: number) => Float32Array} */
			const place = (points, line) =>
				project(points, plane.factors, points.dimensions > 1 ? plane.origin : [plane.origin[0], line * height]);
			const size = Math.max(1.6, Math.min(width, height) / 150);
			const valuesOf = (/** @type {Points} */ { values }) => (axes === COLOURS ? values : null);
			if (layers.has("real")) {
				this.#real.copy(context, width, height, [real, axes, colour("real")], (sheet) =>
					drawReal(sheet, place(real.points, LINES.real), size, valuesOf(real.points)),
				);
			}
			const shown = moment && pointsAt(moment);
			if (shown?.manifold && layers.has("manifold")) {
				const { columns, dimensions } = shown.manifold;
				const places = project(shown.manifold, plane.factors, plane.origin);
				for (let i = 0; dimensions === 1 && 2 * i < places.length; i++) {
					places[2 * i + 1] = height * (1 - (i % columns) / (columns - 1)); // a graph: the random number grows from below
				}
				drawManifold(context, places, columns);
			}
			drawModes(context, real, moment?.from.covered ?? null, axes, plane);
			if (shown && isSeen("generated")) drawMade(context, place(shown.made, LINES.made), size, valuesOf(shown.made));
			if (shown?.pull && isSeen("gradient")) {
				const steps = project(shown.pull, plane.factors, [0, 0]);
				drawArrows(context, width, place(shown.tails, LINES.made), steps);
			}
			if (real.own) drawNumbers(context, width, height, real, axes);
		});
	}
}

/** @param {Moment} moment */
function pointsAt({ from, to, share, critic }) {
	const made = between(from.made, to.made, share);
	// In slow motion points move along arrows that stay. After half a step the critic has moved, and with it the arrows.
	const turn = critic === undefined ? share : Number.isInteger(to.step) ? 0 : critic;
	return {
		made,
		manifold: between(from.manifold, to.manifold, share),
		tails: critic === undefined ? made : from.made,
		pull: between(from.pull, to.pull, turn),
	};
}

/**
 * @template {Points | null} Some
 * @param {Some} from
 * @param {Some} to
 * @param {number} share
 * @returns {Some}
 */
function between(from, to, share) {
	if (!share || !from || from.values.length !== to?.values.length) return from;
	return { ...from, values: from.values.map((value, at) => value + (to.values[at] - value) * share) };
}
