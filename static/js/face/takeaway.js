// Links and files of the face that hangs: permalink, picture, film strip and GIF.

import { ask } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { guard } from "../shared/notice.js";
import { copyLink, save } from "../shared/sharing.js";
import { gifUrl, pageUrl, portraitUrl, readableSeed, stripUrl } from "./faces.js";

const SHARED_SIZE = 512;
/** Browsers open the share sheet only for a few seconds after the tap. */
const SHARED_PICTURE_MS = 2_500;

/**
 * Offer the permalink and the picture, by the browser's own share sheet where it has one.
 * @returns {(face: Face) => void} call it with the face that hangs
 */
export function openTakeaway() {
	const link = byId("download", HTMLAnchorElement);
	const size = byId("download-size", HTMLSelectElement);
	const shareButton = byId("share");
	/** @type {Face | undefined} */
	let hanging;

	function aim() {
		if (!hanging) return;
		link.href = portraitUrl(hanging, Number(size.value));
		link.download = `nobody-${hanging.seed}-${size.value}.png`;
	}

	size.addEventListener("change", aim);
	byId("copy-link").addEventListener("click", () => hanging && void copyLink(linkTo(hanging)));
	shareButton.hidden = !("share" in navigator);
	shareButton.addEventListener("click", () => hanging && void share(hanging));
	saveOnClick(link);

	return (face) => {
		hanging = face;
		aim();
	};
}

/**
 * Show the way from one face to another, and offer it as a GIF.
 * @returns {(walk: Walk) => void} call it with the ends
 */
export function openStrip() {
	const strip = byId("strip", HTMLImageElement);
	const link = byId("strip-gif", HTMLAnchorElement);
	saveOnClick(link);
	strip.addEventListener("error", () => strip.classList.add("missing"));
	strip.addEventListener("load", () => strip.classList.remove("missing"));

	return (walk) => {
		strip.src = stripUrl(walk);
		link.href = gifUrl(walk);
		link.download = `nobody-${walk.from.seed}-${walk.to}.gif`;
		byId("strip-from").textContent = readableSeed(walk.from.seed);
		byId("strip-to").textContent = readableSeed(walk.to);
	};
}

/** @param {HTMLAnchorElement} link */
function saveOnClick(link) {
	link.addEventListener("click", (event) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		const { href, download } = link;
		void guard(() => save(href, download));
	});
}

/** @param {Face} face */
function linkTo(face) {
	return new URL(pageUrl(face), location.href).href;
}

/** @param {Face} face */
async function share(face) {
	const link = { title: `Nobody, no. ${readableSeed(face.seed)}`, url: linkTo(face) };
	const withPicture = { ...link, files: await sharedFiles(face) };
	try {
		await navigator.share(navigator.canShare?.(withPicture) ? withPicture : link);
	} catch (error) {
		const name = error instanceof DOMException ? error.name : "";
		// The reader changed their mind, or the sheet is open already.
		if (name !== "AbortError" && name !== "InvalidStateError") await copyLink(link.url);
	}
}

/**
 * @param {Face} face
 * @returns {Promise<File[]>} the picture, or nothing where it does not come in time
 */
async function sharedFiles(face) {
	try {
		const answer = await ask(portraitUrl(face, SHARED_SIZE), {}, SHARED_PICTURE_MS);
		return [new File([await answer.blob()], `nobody-${face.seed}.png`, { type: "image/png" })];
	} catch {
		return [];
	}
}
