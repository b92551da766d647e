// What one may do with the run that is shown: steer it, share it, take it along.

import { byId, put } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { copy, copyLink, save } from "../shared/sharing.js";
import { complain, forgive } from "./complaints.js";
import { mayChange } from "./owner.js";
import { act, COMMAND, command, jobUrl } from "./service.js";

/** In which states each action is possible. */
const ACTIONS = {
	pause: ["queued", "running", "pausing"],
	resume: ["paused"],
	cancel: ["queued", "running", "pausing", "paused", "cancelling"],
};
/** States in which an action is on its way: its button stays, and does nothing. */
const ON_ITS_WAY = ["pause pausing", "cancel cancelling"];

/** What a paused run can be trained by: the button, and the body of the request. */
/** @type {[string, object][]} */
const STEPS = [
	["step", {}],
	["half-step", { half: true }],
];

/** A film is drawn in some seconds, in more where the service is busy. */
const FILE_PATIENCE_MS = 120_000;
/** What can be saved: the button, the rest of the address, the ending of the file. */
const FILES = [
	["save-weights", "/weights", ".zip"],
	["save-picture", "/picture.png", ".png"],
	["save-film", "/film", ".gif"],
	["save-history", "/history?format=csv", ".csv"],
	["save-script", "/script", ".py"],
];
const COPIED_MS = 2_000;

export class Actions {
	/** @type {Run | undefined} */
	#run;
	#about = "";
	/** Whether a single step is on its way, and where the run stood before it. */
	#stepping = false;
	#before = "";

	/** @param {(job: Job) => void} onChange what the service said after an action */
	constructor(onChange) {
		for (const action of Object.keys(ACTIONS)) {
			this.#onClick(action, "run-error", async ({ job }) => onChange(await act(job.id, action)));
		}
		for (const [id, body] of STEPS) {
			this.#onClick(id, "run-error", async ({ job }) => {
				[this.#stepping, this.#before] = [true, place(job)];
				try {
					onChange(await act(job.id, "step", body));
				} catch (error) {
					this.#stepping = false;
					throw error;
				}
			});
		}
		for (const [id, rest, ending] of FILES) {
			this.#onClick(id, "take-error", ({ job }) =>
				save(jobUrl(job.id, rest), `nobody-${job.id}${ending}`, {
					cache: "no-store",
					signal: AbortSignal.timeout(FILE_PATIENCE_MS),
				}),
			);
		}
		this.#onClick("copy-command", "take-error", copyCommand);
		byId("copy-link").addEventListener("click", () => void copyLink(location.href));
		byId("train-own").addEventListener("click", () => byId("settings", HTMLFormElement).requestSubmit());
		byId("whose").addEventListener("change", () => this.show(this.#run));
	}

	/** Offer what is possible with a run. @param {Run | undefined} run */
	show(run) {
		const about = run ? `${run.job.id} ${run.status}` : "";
		if (about !== this.#about) ["run-error", "take-error"].forEach(forgive); // they were about another state
		this.#about = about;
		if (run?.job.id !== this.#run?.job.id || run?.ended) this.#stepping = false;
		this.#run = run;
		if (!run) return;
		// What lies in between may not be seen: a step is quick.
		if (run.job.status === "paused" && place(run.job) !== this.#before) this.#stepping = false;
		// While a step is on its way, the buttons stay where they are, for the next one.
		const status = this.#stepping ? "paused" : run.status;
		const focused = document.activeElement;
		const mine = mayChange(run.job);
		put(byId("foreign"), { hidden: mine });
		for (const [action, states] of Object.entries(ACTIONS)) {
			const button = byId(action);
			button.hidden = !mine || !states.includes(status);
			button.ariaDisabled = String(
				(this.#stepping && action !== "cancel") || ON_ITS_WAY.includes(`${action} ${status}`),
			);
		}
		for (const [id] of STEPS) {
			byId(id).hidden = !mine || status !== "paused";
			byId(id).ariaDisabled = String(this.#stepping);
		}
		if (focused instanceof HTMLElement && focused.hidden) keepFocus();
		if (run.job.error) complain("run-error", run.job.error);
	}

	/**
	 * @param {string} id of the button
	 * @param {string} place where failures are said
	 * @param {(run: Run) => Promise<void>} task
	 */
	#onClick(id, place, task) {
		const button = byId(id);
		button.addEventListener("click", async () => {
			const run = this.#run;
			if (!run || button.ariaDisabled === "true") return;
			forgive(place);
			button.ariaDisabled = "true";
			try {
				await task(run);
			} catch (error) {
				complain(place, error);
			} finally {
				button.ariaDisabled = "false";
				this.show(this.#run);
			}
		});
	}
}

/** Put the command that starts a run again on the clipboard; where that is not allowed, into a file. @param {Run} run */
async function copyCommand({ job }) {
	if (!(await copy(await command(job.id)))) {
		return save(jobUrl(job.id, COMMAND), `nobody-${job.id}.sh`);
	}
	announce("Command copied");
	put(byId("copy-command"), { textContent: "Copied" });
	setTimeout(() => put(byId("copy-command"), { textContent: "Copy as curl" }), COPIED_MS);
}

/** Where a run stands, half steps included. @param {Job} job */
const place = ({ step, half }) => `${step} ${half}`;

// The button that had the focus is gone: the next one in its place takes it.
function keepFocus() {
	[...Object.keys(ACTIONS), ...STEPS.map(([id]) => id), "copy-link"]
		.map((id) => byId(id))
		.find((button) => !button.hidden)
		?.focus();
}
