// The face page: its parts, wired together, and the figures of its network.

import { ask } from "../shared/api.js";
import { byId, makeEntry } from "../shared/dom.js";
import { show } from "../shared/notice.js";
import { openGallery, openKeeping, openNames } from "./collection.js";
import { readableSeed } from "./faces.js";
import { listen } from "./moves.js";
import { openStrip, openTakeaway } from "./takeaway.js";
import { face, followWall, hasPast, open, preview, retune } from "./wall.js";

const FIGURES = {
	frechet: "Fréchet distance",
	precision: "precision",
	recall: "recall",
	coverage: "coverage",
};

const frame = byId("portrait");
const slider = byId("truncation", HTMLInputElement);
const complaint = byId("notice-text").textContent; // about the page's address

followWall(() => {
	const number = readableSeed(face.seed);
	document.title = `No. ${number} – nobody`;
	byId("number").textContent = number;
	frame.dataset.seed = String(face.seed);
	frame.ariaLabel = `Portrait no. ${number}. Show someone new.`;
	byId("back").ariaDisabled = String(!hasPast());
	slider.value = String(face.truncation);
	showTruncation();
});

function showTruncation() {
	byId("truncation-value").textContent = slider.valueAsNumber.toFixed(2);
}

slider.oninput = () => {
	showTruncation();
	void preview(slider.valueAsNumber);
};
slider.onchange = () => retune(slider.valueAsNumber);

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

openTakeaway();
openStrip();
openGallery();
openKeeping();
openNames();
listen();
await open();
if (complaint) show(complaint);
void showFigures();
