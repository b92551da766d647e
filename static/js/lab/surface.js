// Canvases whose pixels are those of the screen.

/**
 * Draws on a canvas in CSS pixels, and again whenever its size changes.
 */
export class Surface {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onResize shall draw
   */
  constructor(canvas, onResize) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser has no canvas to draw on");
    this.canvas = canvas;
    this.context = context;
    new ResizeObserver(onResize).observe(canvas);
  }

  /**
   * Empty the canvas, ready to draw in CSS pixels.
   * @returns {{context: CanvasRenderingContext2D, width: number, height: number}}
   */
  begin() {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns;
      canvas.height = rows;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
  }
}
