// The lab page: its parts, wired together.

import { followService, ServiceError } from "../shared/api.js";
import { followColours } from "../shared/colours.js";
import { byId, prefersCalm } from "../shared/dom.js";
import { clear, show as notify } from "../shared/notice.js";
import { Actions } from "./actions.js";
import { SettingsForm } from "./form.js";
import { owner } from "./owner.js";
import { RunList } from "./runs.js";
import { offerSeen, readSeen, seenValues, VIEWS } from "./seen.js";
import { look, submit } from "./service.js";
import { bodyOf, OWN, readAddress, valuesOf, writeAddress } from "./settings.js";
import { offerStories } from "./stories.js";
import { explainAll } from "./terms.js";
import { Watch } from "./watch.js";
import { titleOf } from "./words.js";

const BEAT_MS = 2000;
const GONE = "This run is no longer here. Start the training to repeat it: its settings are in the form.";
const GONE_WITH_POINTS = "This run is no longer here, and neither are its points; its other settings are in the form.";

let key = freshKey();
/** Whether the run that the address names could not be looked up, and is to be once the service is back. */
let waiting = false;

const form = new SettingsForm(() => {
  key = freshKey();
  history.replaceState(null, "", addressOf(watch.id));
}, start);

const actions = new Actions((job) => watch.update(job));

const watch = new Watch(
  (run) => {
    actions.show(run);
    runs.update(run.job);
  },
  (id) => leave(id),
);

const runs = new RunList(go, leave, (job) => watch.update(job));

async function start() {
  form.clear();
  form.busy = true;
  try {
    const job = await submit({ ...bodyOf(form.complete), views: VIEWS, owner }, key);
    key = freshKey();
    go(job);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    form.complain(error);
  } finally {
    form.busy = false;
  }
}

/** Start a run that is known to work, with the seed that is chosen. @param {Preset} preset */
function startStory(preset) {
  form.fill({ ...valuesOf({ ...preset.job, preset: preset.name }), seed: form.complete.seed });
  key = freshKey();
  return start();
}

/** Look at a run; its settings come into the form. @param {Job} job */
function go(job) {
  form.mirror(job);
  const address = addressOf(job.id);
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  show(job);
  reveal(prefersCalm() ? "instant" : "smooth");
}

/** Bring the picture into view, unless it is. @param {ScrollBehavior} behavior */
function reveal(behavior) {
  const { top, bottom } = byId("picture").getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) byId("studio").scrollIntoView({ behavior });
}

/** @param {Job | undefined} job */
function show(job) {
  clear();
  document.title = job ? `${titleOf(job)} – Lab – nobody` : "Lab – nobody";
  actions.show(undefined);
  watch.show(job);
  runs.mark(job?.id ?? null);
}

/** A run was deleted: there is nothing left to look at. @param {string} id */
function leave(id) {
  if (id !== watch.id) return;
  history.replaceState(null, "", addressOf(null));
  show(undefined);
}

/** Show what the page's address names. */
async function open() {
  const { values, job: id } = readAddress(location.search);
  readSeen(location.search);
  form.fill(values);
  waiting = false;
  if (id === null) return show(undefined);
  try {
    const job = await look(id);
    form.mirror(job); // whatever else the address says
    history.replaceState(null, "", addressOf(id));
    show(job);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.status === 404) return miss(values);
    waiting = error.passes;
    notify(error.message, () => void open());
  }
}

/** The run that the address names is gone. @param {Values} values */
function miss(values) {
  show(undefined);
  form.complain(new ServiceError(values.data === OWN && !values.points && !values.kept ? GONE_WITH_POINTS : GONE, 404));
  byId("settings-error").scrollIntoView({ block: "nearest" });
}

followService((reached) => {
  if (reached && waiting) void open();
});

/** Whoever follows a link to a run wants its picture; whoever comes back is where they were. */
async function arrive() {
  const [entry] = performance.getEntriesByType("navigation");
  const isNew = entry instanceof PerformanceNavigationTiming && entry.type === "navigate";
  const wanted = isNew && readAddress(location.search).job !== null;
  if (wanted) reveal("instant");
  await open();
  if (wanted && watch.id !== null) reveal("instant"); // what is said about the run in the form has moved it
}

/** The address of the settings, of what is seen, and of a run. @param {string | null} id */
function addressOf(id) {
  return writeAddress({ ...form.values, ...seenValues() }, id);
}

/** A key makes sure that a request which is sent twice starts one run. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}

let refreshing = false;

/** Bring the list of runs up to date while the page is seen; never twice at a time. */
async function beat() {
  if (refreshing || document.hidden) return;
  refreshing = true;
  try {
    await runs.refresh();
  } finally {
    refreshing = false;
  }
}

/** Offer the stories; what is said of the run that is shown may be one of them. */
async function beginStories() {
  try {
    await offerStories((preset) => void startStory(preset));
    watch.repaint();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    byId("stories-part").hidden = true; // the form is there
  }
}

window.addEventListener("popstate", () => void open());
offerSeen(() => {
  history.replaceState(null, "", addressOf(watch.id));
  watch.repaint();
});
followColours(() => watch.repaint());
explainAll();
void beginStories();
void arrive();
setInterval(beat, BEAT_MS);
document.addEventListener("visibilitychange", beat);
window.addEventListener("online", beat);
void beat();
