// The lab page: wiring only.

import { prefersCalm } from "../animation.js";
import { byId } from "../dom.js";
import { clear, guard } from "../notice.js";
import { Actions } from "./actions.js";
import { readAddress, writeAddress } from "./address.js";
import { followColours } from "./colours.js";
import { SettingsForm } from "./form.js";
import { titleOf } from "./report.js";
import { RunList } from "./runs.js";
import { look, Refusal, submit } from "./service.js";
import { bodyOf, SettingError, valuesOf } from "./settings.js";
import { Watch } from "./watch.js";

/** @typedef {import("./service.js").Job} Job */

const GONE = "This run is no longer here. Start the training to repeat it: its settings are in the form.";

let key = freshKey();

const form = new SettingsForm(() => {
  key = freshKey();
  history.replaceState(null, "", writeAddress(form.values, watch.id));
}, start);

const actions = new Actions((job) => watch.update(job));

const watch = new Watch(
  (run) => {
    actions.show(run);
    runs.update(run.job);
  },
  (id) => leave(id),
);

const runs = new RunList(go, leave);

async function start() {
  form.clear();
  form.busy = true;
  try {
    const job = await submit(bodyOf(form.complete), key);
    key = freshKey();
    go(job);
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof SettingError)) throw error;
    form.complain(error);
  } finally {
    form.busy = false;
  }
}

/**
 * Look at a run; its settings come into the form.
 * @param {Job} job
 */
function go(job) {
  form.fill(valuesOf(job));
  const address = writeAddress(form.values, job.id);
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  show(job);
  const studio = byId("studio", HTMLElement);
  if (studio.getBoundingClientRect().top < innerHeight / 2 && studio.getBoundingClientRect().bottom > 0) return;
  studio.scrollIntoView({ behavior: prefersCalm() ? "auto" : "smooth" });
}

/** @param {Job | undefined} job */
function show(job) {
  clear();
  document.title = job ? `${titleOf(job)} – Lab – nobody` : "Lab – nobody";
  actions.show(undefined);
  watch.show(job);
  runs.mark(job?.id ?? null);
}

/**
 * A run was deleted: there is nothing left to look at.
 * @param {string} id
 */
function leave(id) {
  if (id !== watch.id) return;
  history.replaceState(null, "", writeAddress(form.values, null));
  show(undefined);
}

/** Show what the page's address names. */
async function open() {
  const { values, job: id } = readAddress(location.search);
  form.fill(values);
  if (id === null) return show(undefined);
  runs.mark(id);
  try {
    const job = await look(id);
    if (Object.keys(values).length === 0) form.fill(valuesOf(job));
    show(job);
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404) throw error;
    show(undefined);
    form.complain(new Refusal(GONE));
  }
}

/** A key makes sure that a request which is sent twice starts one run. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}

window.addEventListener("popstate", () => void guard(open));
followColours(() => watch.repaint());
void guard(open);
void runs.refresh();
