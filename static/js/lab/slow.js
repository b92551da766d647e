// Slow motion: first the critic moves, then the generator. For it, a paused run trains by halves of steps.

import { byId, prefersCalm, put } from "../shared/dom.js";
import { mayChange } from "./owner.js";

/** @import { Viewer } from "./viewer.js" */

const MOVE_MS = 1600;
const START = { critic: 0, share: 0 };

const nextFrame = () => new Promise(requestAnimationFrame);

export class SlowMotion {
	#button = byId("slow");
	#caption = byId("moves");

	/** @param {Viewer} viewer */
	constructor(viewer) {
		this.viewer = viewer;
		this.#button.addEventListener("click", () => {
			if (viewer.slow) viewer.seek(viewer.index);
			else void this.#play();
		});
	}

	/** Offer it where there is something to move. */
	show() {
		const { steps, slow } = this.viewer;
		const hidden = !slow && steps.length < (this.#mayTrain ? 1 : 2);
		put(this.#button, { hidden, textContent: slow ? "Stop" : "Slow motion" });
		put(this.#caption, { hidden: !slow });
	}

	get #mayTrain() {
		const { run } = this.viewer;
		return run?.status === "paused" && mayChange(run.job);
	}

	get #atEnd() {
		return this.viewer.index === this.viewer.steps.length - 1;
	}

	async #play() {
		const { viewer } = this;
		const trains = this.#mayTrain && this.#atEnd;
		if (!trains && this.#atEnd) viewer.seek(0);
		this.#caption.textContent = "";
		viewer.ease(START);
		while (viewer.slow) {
			if (this.#atEnd && trains) await this.#train();
			if (this.#atEnd) break;
			const [from, to] = viewer.steps.slice(viewer.index);
			const moves = viewer.moment?.from.pull ? "go along the arrows" : "move";
			// Between the halves of a step, only one of them moves.
			if (Number.isInteger(from)) await this.#move("The critic moves: its landscape changes.", "critic");
			if (Number.isInteger(to)) await this.#move(`The generator moves: its points ${moves}.`, "share");
			if (!viewer.slow) return;
			viewer.seek(viewer.index + 1);
			viewer.ease(START);
		}
		if (viewer.slow) viewer.seek(viewer.index);
	}

	/** @type {(caption: string, what: "critic" | "share") => Promise<void>} */
	async #move(caption, what) {
		this.#caption.textContent = caption;
		const begun = performance.now();
		for (let part = 0; part < 1 && this.viewer.slow; await nextFrame()) {
			part = Math.min(1, (performance.now() - begun) / MOVE_MS);
			// Where less motion is asked for, only what comes of it is shown.
			this.viewer.ease({ critic: 1, share: 0, [what]: prefersCalm() ? 1 : part });
		}
	}

	/** Train half a step, as the button for it does, until its picture is there. */
	async #train() {
		const { viewer } = this;
		const [half, failed] = [byId("half-step"), byId("run-error")];
		const wait = async (/** @type {() => boolean} */ isOver) => {
			while (viewer.slow && !isOver() && !viewer.run?.ended) await nextFrame();
		};
		await wait(() => !half.hidden && half.ariaDisabled !== "true");
		if (viewer.slow) half.click();
		await wait(() => !this.#atEnd || !failed.hidden);
	}
}
