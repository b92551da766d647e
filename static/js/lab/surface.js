// Canvases whose pixels are those of the screen.

import { put } from "../shared/dom.js";

/** Paints on a canvas, and again whenever its size changes. */
export class Surface {
	/** @type {Painter} */
	#paint = () => {};

	/** @param {HTMLCanvasElement} canvas */
	constructor(canvas) {
		this.canvas = canvas;
		new ResizeObserver(() => this.show(this.#paint)).observe(canvas);
	}

	/** @param {Painter} paint */
	show(paint) {
		const { canvas } = this;
		const { clientWidth: width, clientHeight: height } = canvas;
		const context = canvas.getContext("2d");
		this.#paint = paint;
		if (!context || !width) return; // it is hidden
		put(canvas, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) });
		context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
		context.clearRect(0, 0, width, height);
		paint(context, width, height);
	}
}
