// The pulse of the page: what it shows is the service's word, which is asked for again and again.

const BEAT_MS = 2000;

/**
 * Do something every two seconds while the page is seen, and as soon as it is seen again; never twice at a time.
 * @param {() => Promise<void>} task
 */
export function beat(task) {
  let busy = false;
  async function once() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      await task();
    } finally {
      busy = false;
    }
  }
  setInterval(() => void once(), BEAT_MS);
  document.addEventListener("visibilitychange", () => void once());
  window.addEventListener("online", () => void once());
  void once();
}
