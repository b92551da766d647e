// What one may do with the run that is shown: steer it, share it, take it along, train others on the same.

import { ask } from "../shared/api.js";
import { byId, put } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { copy, copyLink, save } from "../shared/sharing.js";
import { complain, forgive } from "./complaints.js";
import { mayChange, owner } from "./owner.js";
import { act, FILE_PATIENCE_MS, jobUrl, submit } from "./service.js";
import { bodyOf, valuesOf } from "./settings.js";
import { go } from "./visit.js";
import { MODELS } from "./words.js";

/** Buttons that steer a run, the states in which they do, and what they ask for. */
/** @type {[id: string, states: string[], action: string, body?: object][]} */
const STEERING = [
	["pause", ["queued", "running", "pausing"], "pause"],
	["resume", ["paused"], "resume"],
	["step", ["paused"], "step"],
	["half-step", ["paused"], "step", { half: true }],
	["cancel", ["queued", "running", "pausing", "paused", "cancelling"], "cancel"],
];
/** What can be saved: the button, the rest of the address, the ending of the file. */
const FILES = [
	["save-weights", "/weights", ".zip"],
	["save-picture", "/picture.png", ".png"],
	["save-film", "/film", ".gif"],
	["save-history", "/history?format=csv", ".csv"],
	["save-script", "/script", ".py"],
];
const COMMAND = "/script?format=curl";
const COPIED_MS = 2_000;

/** @type {Run | undefined} */
let shown;
let about = "";
/** The button whose action is being asked for. */
let asked = "";
/** Where the run stood before a single step that is on its way. */
let stepping = "";

/** Offer what is possible with a run. @param {Run | undefined} run */
export function offerActions(run) {
	const [before, isOther] = [about, run?.job.id !== shown?.job.id];
	about = run ? `${run.job.id} ${run.status}` : "";
	shown = run;
	if (about !== before) ["run-error", "take-error"].forEach(forgive); // they were about another state
	if (!run) return;
	const { job } = run;
	// What lies in between may not be seen: a step is quick. Of the job and its events, either may be ahead.
	const stands = job.status === "paused" && run.status === "paused" && placeOf(job) === placeOf(run);
	if (isOther || run.ended || (stands && placeOf(job) !== stepping)) stepping = "";
	// While a step is on its way, the buttons stay where they are, for the next one.
	const status = stepping ? "paused" : run.status;
	const focused = document.activeElement;
	const isMine = mayChange(job);
	put(byId("foreign"), { hidden: isMine });
	for (const [id, states] of STEERING) {
		const isOnItsWay = ["pause pausing", "cancel cancelling"].includes(`${id} ${status}`);
		const waits = id === asked || isOnItsWay || (stepping !== "" && id !== "cancel");
		put(byId(id), { hidden: !isMine || !states.includes(status), ariaDisabled: String(waits) });
	}
	put(byId("others"), { hidden: !MODELS.has(job.model ?? "") });
	if (focused instanceof HTMLElement && focused.hidden) keepFocus();
	if (job.error) complain("run-error", job.error);
}

/** Let a button do something; failures are said in a place. */
/** @type {(id: string, place: string, task: (job: Job) => Promise<unknown>) => void} */
function onClick(id, place, task) {
	const button = byId(id);
	button.onclick = async () => {
		if (!shown || button.ariaDisabled === "true") return;
		forgive(place);
		button.ariaDisabled = "true";
		asked = id;
		try {
			await task(shown.job);
		} catch (error) {
			stepping = "";
			complain(place, error);
		} finally {
			button.ariaDisabled = "false";
			asked = "";
			offerActions(shown);
		}
	};
}

/** Train the other GANs on the same. @param {Job} job */
async function startOthers(job) {
	const { model: own, preset, name, lambda_gp, clip, data, ...values } = valuesOf(job);
	const body = { ...bodyOf({ ...values, data: "" }), data: { job: job.id }, views: job.views, owner };
	const jobs = [job];
	try {
		for (const model of [...MODELS.keys()].filter((one) => one !== own)) {
			// The same key: asked for again, they are there already.
			jobs.push(await submit({ ...body, model }, undefined, `${owner} ${model} on ${job.id}`));
		}
	} finally {
		if (jobs.length > 1) go(jobs);
	}
}

/** @type {(id: string, rest: string, ending: string) => Promise<void>} */
function take(id, rest, ending) {
	const signal = AbortSignal.timeout(FILE_PATIENCE_MS);
	return save(jobUrl(id, rest), `nobody-${id}${ending}`, { cache: "no-store", signal });
}

/** Put the command that starts a run again on the clipboard; where that is not allowed, into a file. @param {Job} job */
async function copyCommand({ id }) {
	const answer = await ask(jobUrl(id, COMMAND), { cache: "no-store" });
	if (!(await copy(await answer.text()))) return take(id, COMMAND, ".sh");
	announce("Command copied");
	const button = byId("copy-command");
	button.textContent = "Copied";
	setTimeout(() => put(button, { textContent: "Copy as curl" }), COPIED_MS);
}

/** Where a run stands, half steps included. @param {Job | Run} run */
const placeOf = ({ step, half }) => `${step} ${half}`;

// The button that had the focus is gone: the next one in its place takes it.
function keepFocus() {
	const buttons = [...STEERING.map(([id]) => id), "copy-link"].map((id) => byId(id));
	buttons.find((button) => !button.hidden)?.focus();
}

for (const [id, , action, body] of STEERING) {
	onClick(id, "run-error", (job) => {
		if (action === "step") stepping = placeOf(job);
		return act(job.id, action, body);
	});
}
onClick("others", "run-error", startOthers);
for (const [id, rest, ending] of FILES) onClick(id, "take-error", (job) => take(job.id, rest, ending));
onClick("copy-command", "take-error", copyCommand);
byId("copy-link").onclick = () => copyLink(location.href);
byId("train-own").onclick = () => byId("settings", HTMLFormElement).requestSubmit();
byId("whose").addEventListener("change", () => offerActions(shown));
