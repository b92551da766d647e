// The lab page: runs are started, and its parts are wired together.

import { ServiceError } from "../shared/api.js";
import { followColours } from "../shared/colours.js";
import { byId } from "../shared/dom.js";
import { bringExample } from "./example.js";
import * as fork from "./fork.js";
import * as form from "./form.js";
import { followKey } from "./key.js";
import { owner } from "./owner.js";
import { followRemedies } from "./remedies.js";
import { keepUpToDate } from "./runs.js";
import { offerSeen, VIEWS } from "./seen.js";
import { submit } from "./service.js";
import { readAddress, valuesOf } from "./settings.js";
import { offerStories } from "./stories.js";
import * as studio from "./studio.js";
import { explainAll } from "./terms.js";
import * as visit from "./visit.js";

async function start() {
	form.clear();
	form.setBusy(true);
	try {
		if (fork.isPrepared()) return visit.go(await fork.start());
		const { body, file } = form.request();
		const given = form.values();
		visit.go([await submit({ ...body, views: VIEWS, owner }, file)], given);
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		form.complain(error);
	} finally {
		form.setBusy(false);
	}
}

/** Start a run with other settings than those of the form. @param {Values} values */
function startWith(values) {
	form.fill(values);
	void start();
}

/** Whoever follows a link to a run wants its picture; whoever comes back is where they were. */
async function arrive() {
	const [entry] = performance.getEntriesByType("navigation");
	const isNew = entry instanceof PerformanceNavigationTiming && entry.type === "navigate";
	const isWanted = isNew && readAddress(location.search).job !== null;
	if (isWanted) visit.reveal("instant");
	await visit.open();
	if (isWanted && visit.jobs.length) visit.reveal("instant"); // what is said about the run in the form has moved it
	if (isWanted || visit.jobs.length) return;
	const example = await bringExample();
	if (example && !visit.jobs.length) studio.play(example); // unless a run was started meanwhile
}

/** Offer the stories; what is said of the run that is shown may be one of them. */
async function beginStories() {
	try {
		await offerStories(({ name, job }) =>
			startWith({ ...valuesOf({ ...job, preset: name }), seed: form.complete().seed }),
		);
		studio.repaint();
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		byId("stories-part").hidden = true; // the form is there
	}
}

form.begin(visit.keepAddress, start);
visit.begin();
offerSeen(() => {
	visit.keepAddress();
	studio.repaint();
});
followColours(studio.repaint);
followKey();
followRemedies(startWith);
explainAll();
keepUpToDate();
void beginStories();
void arrive();
