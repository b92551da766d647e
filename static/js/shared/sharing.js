// Taking something away: as a link, as a file.

import { ask } from "./api.js";
import { byId, make } from "./dom.js";
import { announce, show } from "./notice.js";

const COPIED_MS = 2_000;

/** Put a link on the clipboard; the button that was pressed says so for a moment. @param {string} address */
export async function copyLink(address) {
	if (!(await copy(address))) return show(`Your browser does not let the page copy. The link: ${address}`);
	const label = byId("copy-label");
	label.textContent = "Copied";
	announce("Link copied");
	setTimeout(() => {
		label.textContent = "Copy link";
	}, COPIED_MS);
}

/**
 * Fetch a file and hand it to the reader. A refusal is thrown, where a plain link would save it.
 * @type {(url: string, name: string, options?: RequestInit) => Promise<void>}
 */
export async function save(url, name, options) {
	const answer = await ask(url, options);
	const address = URL.createObjectURL(await answer.blob());
	make("a", { href: address, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Put a text on the clipboard, where the browser allows it. @param {string} text */
export async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyWithoutClipboard(text);
	}
}

/** Pages that are not served over https have no clipboard. @param {string} text */
function copyWithoutClipboard(text) {
	const before = document.activeElement;
	const field = make("textarea", { className: "visually-hidden", value: text });
	document.body.append(field);
	field.select();
	const copied = document.execCommand("copy");
	field.remove();
	if (before instanceof HTMLElement) before.focus();
	return copied;
}
