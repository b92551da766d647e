// Slow motion: first the critic moves, then the generator. For it, a paused run trains by halves of steps.

import { byId, prefersCalm, put } from "../shared/dom.js";
import { mayChange } from "./owner.js";
import * as player from "./player.js";

const MOVE_MS = 1600;
const START = { critic: 0, share: 0 };

const button = byId("slow");
const caption = byId("moves");

const nextFrame = () => new Promise(requestAnimationFrame);

button.onclick = () => (player.slow ? player.seek(player.index()) : play());

/** Offer it where there is something to move. */
export function showSlow() {
	const { slow, steps } = player;
	put(button, { hidden: !slow && steps.length < (mayTrain() ? 1 : 2), textContent: slow ? "Stop" : "Slow motion" });
	put(caption, { hidden: !slow });
}

function mayTrain() {
	const [run] = player.runs;
	return run?.status === "paused" && mayChange(run.job);
}

const isAtEnd = () => player.index() === player.steps.length - 1;

async function play() {
	const trains = mayTrain() && isAtEnd();
	if (!trains && isAtEnd()) player.seek(0);
	caption.textContent = "";
	player.ease(START);
	while (player.slow) {
		if (isAtEnd() && trains) await train();
		if (isAtEnd()) break;
		const [from, to] = player.steps.slice(player.index());
		const moves = player.momentOf(player.runs[0])?.from.pull ? "go along the arrows" : "move";
		// Between the halves of a step, only one of them moves.
		if (Number.isInteger(from)) await move("The critic moves: its landscape changes.", "critic");
		if (Number.isInteger(to)) await move(`The generator moves: its points ${moves}.`, "share");
		if (!player.slow) return;
		player.seek(player.index() + 1);
		player.ease(START);
	}
	if (player.slow) player.seek(player.index());
}

/** @type {(text: string, what: "critic" | "share") => Promise<void>} */
async function move(text, what) {
	caption.textContent = text;
	const begun = performance.now();
	for (let part = 0; part < 1 && player.slow; await nextFrame()) {
		part = Math.min(1, (performance.now() - begun) / MOVE_MS);
		// Where less motion is asked for, only what comes of it is shown.
		player.ease({ critic: 1, share: 0, [what]: prefersCalm() ? 1 : part });
	}
}

/** Train half a step, as the button for it does, until its picture is there. */
async function train() {
	const [half, failed] = [byId("half-step"), byId("run-error")];
	const wait = async (/** @type {() => boolean} */ isOver) => {
		while (player.slow && !isOver() && !player.runs[0]?.ended) await nextFrame();
	};
	await wait(() => !half.hidden && half.ariaDisabled !== "true");
	if (player.slow) half.click();
	await wait(() => !isAtEnd() || !failed.hidden);
}
