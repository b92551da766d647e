// The picture of a run: its layers, one over the other.

import { colour } from "../shared/colours.js";
import { chosenAxes, planeOf, SCORED } from "./axes.js";
import { drawHeatmap } from "./heatmap.js";
import { drawArrows, drawMade, drawManifold, drawModes, drawNumbers, drawReal } from "./layers.js";
import { Surface } from "./surface.js";

/** In slow motion they are seen in any case. */
const MOVING = ["generated", "scores", "gradient"];

export class Stage {
	/** @param {HTMLCanvasElement} canvas */
	constructor(canvas) {
		this.surface = new Surface(canvas);
	}

	/** @type {(real: Real | undefined, moment: Moment | undefined, seen: Seen) => void} */
	draw(real, moment, { layers, axes: wanted }) {
		/** @param {string} layer */
		const isSeen = (layer) => layers.has(layer) || (moment?.critic !== undefined && MOVING.includes(layer));
		const axes = real ? chosenAxes(real, wanted) : SCORED;
		this.surface.show((context, width, height) => {
			context.fillStyle = colour("score-middle");
			context.fillRect(0, 0, width, height);
			if (moment && axes === SCORED && isSeen("scores")) drawHeatmap(context, width, height, moment);
			if (!real) return;
			const plane = planeOf(real, axes, width, height);
			const view = { context, width, height, size: Math.max(1.6, Math.min(width, height) / 150), real, axes, plane };
			const points = moment && pointsAt(moment);
			if (isSeen("real")) drawReal(view);
			if (points?.manifold && isSeen("manifold")) drawManifold(view, points.manifold);
			drawModes(view, moment?.from.covered);
			if (points && isSeen("generated")) drawMade(view, points.made);
			if (points?.pull && isSeen("gradient")) drawArrows(view, points.tails, points.pull);
			if (real.own) drawNumbers(view);
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

/** @type {<Some extends Points | null>(from: Some, to: Some, share: number) => Some} */
function between(from, to, share) {
	if (!share || !from || from.values.length !== to?.values.length) return from;
	return { ...from, values: from.values.map((value, at) => value + (to.values[at] - value) * share) };
}
