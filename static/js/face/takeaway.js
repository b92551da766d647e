// Links and files of the face that hangs: permalink, picture, film strip and GIF.

import { ask } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { guard } from "../shared/notice.js";
import { copyLink, save } from "../shared/sharing.js";
import { addressOf, readableSeed } from "./faces.js";
import { face, followWall } from "./wall.js";

const SHARED_SIZE = 512;
/** Browsers open the share sheet only for a few seconds after the tap. */
const SHARED_PICTURE_MS = 2_500;
const STRIP_STEPS = 9;

/** Offer the permalink and the picture, by the browser's own share sheet where it has one. */
export function openTakeaway() {
	const link = byId("download", HTMLAnchorElement);
	const size = byId("download-size", HTMLSelectElement);
	const button = byId("share");

	function aim() {
		link.href = addressOf.portrait(face, Number(size.value));
		link.download = `nobody-${face.seed}-${size.value}.png`;
	}

	size.onchange = aim;
	followWall(aim);
	saveOnClick(link);
	byId("copy-link").onclick = () => void copyLink(permalink());
	button.hidden = !("share" in navigator);
	button.onclick = share;
}

/** Show the way from one face to another, and offer it as a GIF. */
export function openStrip() {
	const strip = byId("strip", HTMLImageElement);
	const link = byId("strip-gif", HTMLAnchorElement);
	saveOnClick(link);
	strip.onerror = () => strip.classList.add("missing");
	strip.onload = () => strip.classList.remove("missing");
	followWall((walk) => {
		strip.src = addressOf.walk(walk, STRIP_STEPS);
		link.href = addressOf.gif(walk);
		link.download = `nobody-${walk.from.seed}-${walk.to}.gif`;
		byId("strip-from").textContent = readableSeed(walk.from.seed);
		byId("strip-to").textContent = readableSeed(walk.to);
	});
}

/** @param {HTMLAnchorElement} link */
function saveOnClick(link) {
	link.onclick = (event) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		const { href, download } = link;
		void guard(() => save(href, download));
	};
}

const permalink = () => new URL(addressOf.page(face), location.href).href;

async function share() {
	const link = { title: `Nobody, no. ${readableSeed(face.seed)}`, url: permalink() };
	const withPicture = { ...link, files: await sharedFiles() };
	try {
		await navigator.share(navigator.canShare?.(withPicture) ? withPicture : link);
	} catch (error) {
		const name = error instanceof DOMException ? error.name : "";
		// The reader changed their mind, or the sheet is open already.
		if (name !== "AbortError" && name !== "InvalidStateError") await copyLink(link.url);
	}
}

/** The picture, or nothing where it does not come in time. */
async function sharedFiles() {
	const name = `nobody-${face.seed}.png`;
	try {
		const answer = await ask(addressOf.portrait(face, SHARED_SIZE), {}, SHARED_PICTURE_MS);
		return [new File([await answer.blob()], name, { type: "image/png" })];
	} catch {
		return [];
	}
}
