// The face page: its parts, wired together, and the figures of its network.

import { ask } from "../shared/api.js";
import { byId, makeEntry, prefersCalm } from "../shared/dom.js";
import { show } from "../shared/notice.js";
import { openGallery, openKeeping, openNames } from "./collection.js";
import { faceUrl, readableSeed } from "./faces.js";
import { Portrait, rememberPicture } from "./portrait.js";
import { openStrip, openTakeaway } from "./takeaway.js";
import { listenToKeys, listenToSwipes, Wall } from "./wall.js";

const FIGURES = {
	frechet: "Fréchet distance",
	precision: "precision",
	recall: "recall",
	coverage: "coverage",
};

const frame = byId("portrait");
const back = byId("back");
const slider = byId("truncation", HTMLInputElement);

// The page comes with a face, and with what is wrong with its address.
const first = { seed: Number(frame.dataset.seed), truncation: Number(frame.dataset.truncation) };
const complaint = byId("notice-text").textContent;
rememberPicture(faceUrl(first), byId("first-face", HTMLImageElement));

const portrait = new Portrait(frame, byId("face", HTMLCanvasElement));
const wall = new Wall(portrait, first, onChange);
const followers = [openTakeaway(), openGallery(hangAndLook), openKeeping(hangAndLook)];
const showStrip = openStrip();
openNames(hangAndLook);

/** @type {(face: Face, walk: Walk) => void} */
function onChange(face, walk) {
	const number = readableSeed(face.seed);
	document.title = `No. ${number} – nobody`;
	byId("number").textContent = number;
	frame.dataset.seed = String(face.seed);
	frame.ariaLabel = `Portrait no. ${number}. Show someone new.`;
	back.ariaDisabled = String(!wall.hasPast);
	slider.value = String(face.truncation);
	showTruncation();
	for (const follow of followers) follow(face);
	showStrip(walk);
}

/** @param {Face} face */
function hangAndLook(face) {
	void wall.pick(face);
	const { top, bottom } = frame.getBoundingClientRect();
	if (top >= 0 && bottom <= innerHeight) return;
	frame.focus({ preventScroll: true });
	frame.scrollIntoView({ block: "center", behavior: prefersCalm() ? "auto" : "smooth" });
}

function showTruncation() {
	byId("truncation-value").textContent = slider.valueAsNumber.toFixed(2);
}

/** Show the headline figures of the weights, if the service knows any. */
async function showFigures() {
	const answer = await ask("/info").catch(() => null);
	const info = await answer?.json().catch(() => null);
	const quality = info?.weights?.quality;
	const list = byId("quality");
	for (const [key, label] of Object.entries(FIGURES)) {
		const value = quality?.[key] ?? quality?.metrics?.[key];
		if (typeof value === "number") list.append(makeEntry(label, value.toFixed(2)));
	}
	list.hidden = !list.hasChildNodes();
}

const moves = { next: () => wall.next(), forward: () => wall.forward(), back: () => wall.back() };
listenToKeys(moves, () => frame.dataset.state !== "still");
listenToSwipes(byId("hanging"), moves);
byId("someone-new").addEventListener("submit", (event) => {
	event.preventDefault(); // without this script, it opens the page anew
	void moves.next();
});
back.addEventListener("click", moves.back);
byId("morph").addEventListener("click", () => wall.morph());
slider.addEventListener("input", () => {
	showTruncation();
	void wall.preview(slider.valueAsNumber);
});
slider.addEventListener("change", () => wall.retune(slider.valueAsNumber));

await wall.open();
if (complaint) show(complaint);
void showFigures();
