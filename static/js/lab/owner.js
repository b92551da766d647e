// Whose runs those of this browser are: owners take turns in the queue. It is no secret and protects nothing.

const KEY = "nobody-owner";

/** What stands for this browser; where nothing can be kept, for this page. */
export const owner = known() ?? fresh();

function known() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is forbidden
  }
}

function fresh() {
  const made = `browser-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (part) => part.toString(16).padStart(2, "0")).join("")}`;
  try {
    localStorage.setItem(KEY, made);
  } catch {
    // storage is forbidden, or full
  }
  return made;
}
