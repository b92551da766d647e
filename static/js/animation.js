// Motion on the page, and its absence where the reader asked for less of it.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Say whether the reader asked for less motion.
 * @returns {boolean}
 */
export function prefersCalm() {
  return calm.matches;
}

/**
 * Draw frame after frame; where less motion is asked for, only the last.
 * @param {number} duration milliseconds
 * @param {(progress: number) => void} draw gets 0 … 1; the last call gets 1
 * @param {AbortSignal} signal stops it
 * @returns {Promise<boolean>} whether it came to its end
 */
export function animate(duration, draw, signal) {
  return new Promise((resolve) => {
    /** @type {number | undefined} */
    let start;
    /** @param {number} now */
    function frame(now) {
      if (signal.aborted) return resolve(false);
      start ??= now;
      const progress = prefersCalm() ? 1 : Math.min((now - start) / duration, 1);
      draw(progress);
      if (progress === 1) return resolve(true);
      requestAnimationFrame(frame);
    }
    requestAnimationFrame(frame);
  });
}

/**
 * Start and stop gently.
 * @param {number} progress 0 … 1
 * @returns {number} 0 … 1
 */
export function ease(progress) {
  return (1 - Math.cos(Math.PI * progress)) / 2;
}
