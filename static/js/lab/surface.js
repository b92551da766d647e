// Canvases whose pixels are those of the screen.

/** @typedef {(context: CanvasRenderingContext2D, width: number, height: number) => void} Painter in CSS pixels */

/** Paints on a canvas, and again whenever its size changes. */
export class Surface {
  /** @type {Painter} */
  #paint = () => {};

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  /** Show something else. @param {Painter} paint */
  show(paint) {
    this.#paint = paint;
    this.#draw();
  }

  #draw() {
    const { canvas } = this;
    const context = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (!context || columns === 0) return; // it is hidden
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns;
      canvas.height = rows;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#paint(context, width, height);
  }
}
