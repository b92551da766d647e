// Canvases whose pixels are those of the screen.

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
		const { clientWidth, clientHeight } = this.canvas;
		this.#paint = paint;
		if (clientWidth > 0) paintOn(this.canvas, clientWidth, clientHeight, devicePixelRatio, paint); // else it is hidden
	}
}

/** A layer that seldom changes: it is painted once, and then copied. */
export class Sheet {
	#canvas = document.createElement("canvas");
	/** @type {unknown[]} */
	#key = [];

	/** @type {(context: Context, width: number, height: number, key: unknown[], paint: Painter) => void} */
	copy(context, width, height, key, paint) {
		const ratio = devicePixelRatio;
		const whole = [...key, width, height, ratio];
		if (whole.some((part, i) => part !== this.#key[i])) paintOn(this.#canvas, width, height, ratio, paint);
		this.#key = whole;
		context.drawImage(this.#canvas, 0, 0, width, height);
	}
}

/** @type {(canvas: HTMLCanvasElement, width: number, height: number, ratio: number, paint: Painter) => void} */
function paintOn(canvas, width, height, ratio, paint) {
	const context = canvas.getContext("2d");
	const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
	if (canvas.width !== columns || canvas.height !== rows) {
		canvas.width = columns;
		canvas.height = rows;
	}
	context?.setTransform(ratio, 0, 0, ratio, 0, 0);
	context?.clearRect(0, 0, width, height);
	if (context) paint(context, width, height);
}
