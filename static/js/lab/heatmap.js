// The discriminator's scores as a landscape: colours between them, and lines of equal score.

import { colour, rgb } from "../shared/colours.js";

/** Contour lines lie this far apart, as a share of the scale. */
const STEP = 0.1;

const canvas = document.createElement("canvas");

/** Draw the scores, if there are any, on the colour of the middle. */
/** @type {(context: Context, width: number, height: number, moment: Moment) => void} */
export function drawHeatmap(context, width, height, { from, to, share, critic = share }) {
	const { side } = from;
	const [before, after] = [from, to].map(levelsOf);
	const small = canvas.getContext("2d");
	if (!before || !after || !small) return;
	const levels = before.map((level, at) => level + (after[at] - level) * critic);
	const [low, high] = ["score-low", "score-high"].map(rgb);
	canvas.width = canvas.height = side;
	const image = small.createImageData(side, side);
	for (const [at, level] of levels.entries()) {
		// The scores begin at the bottom, pictures at the top.
		const pixel = 4 * ((side - 1) * side - at + 2 * (at % side));
		image.data.set([...(level < 0.5 ? low : high), 255 * Math.abs(2 * level - 1)], pixel);
	}
	small.putImageData(image, 0, 0);
	// The outer scores are those of the edges: the middle of their pixels goes there. Colours between are bilinear.
	context.drawImage(canvas, 0.5, 0.5, side - 1, side - 1, 0, 0, width, height);
	drawContours(context, levels, side, width / (side - 1), height / (side - 1));
}

/** The scores as shares of their range. @param {Frame} frame */
const levelsOf = ({ scores, range: [low, high] }) => scores?.map((score) => (score - low) / (high - low));

// Marching squares: lines of equal score are straight between the edges of each cell, which is so wide and so high.
/** @type {(context: Context, levels: Float32Array, side: number, across: number, up: number) => void} */
function drawContours(context, levels, side, across, up) {
	context.beginPath();
	for (let at = 0; at < side * (side - 1); at++) {
		if (at % side === side - 1) continue;
		// Anticlockwise from the lower left, and that one again.
		const corners = [levels[at], levels[at + 1], levels[at + side + 1], levels[at + side], levels[at]];
		const highest = Math.min(0.99, Math.max(...corners));
		for (let level = STEP * Math.max(1, Math.ceil(Math.min(...corners) / STEP)); level <= highest; level += STEP) {
			let open = false;
			for (let edge = 0; edge < 4; edge++) {
				const [a, b] = [corners[edge], corners[edge + 1]];
				if (a < level === b < level) continue;
				const along = (level - a) / (b - a);
				const x = (at % side) + [along, 1, 1 - along, 0][edge];
				const y = side - 1 - Math.floor(at / side) - [0, along, 1, 1 - along][edge];
				context[open ? "lineTo" : "moveTo"](x * across, y * up);
				open = !open;
			}
		}
	}
	context.globalAlpha = 0.16;
	context.strokeStyle = colour("ink");
	context.lineWidth = 1;
	context.stroke();
	context.globalAlpha = 1;
}
