// Taking a face away: as a link, as a file.

import { ask } from "./api.js";

/**
 * Put a text on the clipboard.
 * @param {string} text
 * @returns {Promise<boolean>} whether it worked
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

/**
 * Fetch a file and hand it to the reader, so that a refusal can be said rather than saved.
 * @param {string} url
 * @param {string} name
 * @returns {Promise<void>}
 */
export async function save(url, name) {
  hand(await (await ask(url)).blob(), name);
}

/**
 * Hand a file to the reader.
 * @param {Blob} content
 * @param {string} name
 */
export function hand(content, name) {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// Pages that are not served over https (a laptop in the local network, say) have no clipboard.
/** @param {string} text */
function copyOldWay(text) {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "visually-hidden";
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
