// What is said below the picture.

import { byId, make } from "../shared/dom.js";
import { captionsOf } from "./captions.js";

const EXAMPLE = "An example that was trained earlier: press Start training for your own.";
/** What is said stands at least this long. */
const STANDS_MS = 1500;

const place = byId("captions");
/** @type {Run | undefined} what it is said of */
let about;
let since = 0;
/** @type {number | undefined} */
let timer;

/** Say what the numbers say. @type {(run: Run | undefined, frame: Frame | undefined) => void} */
export function showCaptions(run, frame) {
	const texts = run && frame ? captionsOf(run, run.frames.indexOf(frame)) : [];
	clearTimeout(timer);
	const rest = run === about ? since + STANDS_MS - performance.now() : 0;
	if (rest > 0) timer = setTimeout(say, rest, run, texts);
	else say(run, texts);
}

/** @type {(run: Run | undefined, texts: string[]) => void} */
function say(run, texts) {
	const all = run?.status === "example" ? [EXAMPLE, ...texts.slice(0, 1)] : texts;
	about = run;
	if (place.textContent === all.join("")) return; // else screen readers would say it again
	since = performance.now();
	place.replaceChildren(...all.map((text) => make("span", {}, text)));
}
