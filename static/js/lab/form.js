// The form with the settings of the next run.

import { byId, make } from "../shared/dom.js";
import { complain, forgive } from "./complaints.js";
import { OWN, settingError, settingOf, usualShape, valuesOf } from "./settings.js";
import { DATA, MODELS } from "./words.js";

/** @import { ServiceError } from "../shared/api.js" */
/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const MAX_SEED = 2 ** 31;
const USUAL_DATA = "four_clouds";
/** Settings that may change in a story without making it another one. */
const SAME_STORY = ["seed", "name"];

export class SettingsForm {
  #form = byId("settings", HTMLFormElement);
  #model = byId("model", HTMLSelectElement);
  #start = byId("start");
  #origin = byId("origin");
  #verb = "Start training";
  #fold = byId("more-settings", HTMLDetailsElement);
  /** @type {Values} */
  #usual;

  /**
   * @param {() => void} onChange a setting has changed
   * @param {() => void} onStart the run shall start
   */
  constructor(onChange, onStart) {
    const own = choice(OWN, "own points");
    own.id = "own-points";
    own.hidden = true; // until a run with such points is shown
    byId("data").append(...[...DATA].map(([value, name]) => choice(value, name)), own);
    this.#form.reset(); // browsers like to remember what was typed
    this.#usual = this.#all();
    this.#form.addEventListener("input", ({ target }) => {
      const name = (target instanceof Element && target.getAttribute("name")) || "";
      this.#forgive(name);
      if (!SAME_STORY.includes(name)) this.#put("preset", "");
      this.#adapt();
      onChange();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#start.ariaDisabled !== "true") onStart();
    });
    byId("roll").addEventListener("click", () => {
      this.#put("seed", String(crypto.getRandomValues(new Uint32Array(1))[0] % MAX_SEED));
      this.#forgive("seed");
      onChange();
    });
    byId("usual").addEventListener("click", () => {
      const { model, data, seed } = this.#all();
      this.fill({ model, data, seed });
      onChange();
    });
    this.#adapt();
  }

  /** The settings that are not as usual. */
  get values() {
    return Object.fromEntries(Object.entries(this.#all()).filter(([name, text]) => text !== this.#usual[name]));
  }

  /** All settings that count for the chosen GAN and data. @throws {ServiceError} a field holds what is no number */
  get complete() {
    const wrong = this.#fields().find((field) => field.validity.badInput && !field.closest("[hidden]"));
    if (wrong) throw settingError(wrong.name, "Expected a number.");
    return this.#all();
  }

  /** Show the settings of a run. @param {Job} job */
  mirror(job) {
    this.fill(valuesOf(job));
    const { parent } = job;
    this.#origin.hidden = !parent;
    if (!parent) return;
    this.#origin.textContent = `The run that is shown went on from step ${parent.step} of another one; a new one begins at step 0.`;
  }

  /** Show settings; those that are left out are as usual. @param {Values} values */
  fill(values) {
    this.clear();
    this.#origin.hidden = true;
    byId("own-points").hidden = values.data !== OWN;
    for (const [name, text] of Object.entries({ ...this.#usual, ...values })) this.#put(name, text);
    this.#adapt();
  }

  /** What the button that starts it says. @param {string} verb */
  set verb(verb) {
    this.#verb = verb;
    this.busy = false;
  }

  /** @param {boolean} busy whether a run is being started */
  set busy(busy) {
    this.#start.ariaDisabled = String(busy);
    this.#start.textContent = busy ? "Starting …" : this.#verb;
  }

  /** Take all complaints away. */
  clear() {
    forgive("settings-error");
    for (const field of this.#fields()) this.#forgive(field.name);
  }

  /** Say what is wrong, beside the field that it is about. @param {ServiceError} error */
  complain(error) {
    this.clear();
    const blamed = [...complaints(error)].flatMap(([name, message]) => {
      const field = this.#fields().find((one) => one.name === name);
      if (field) blame(field, message);
      return field ?? [];
    });
    if (blamed.length === 0) return complain("settings-error", error);
    if (this.#fold.contains(blamed[0])) this.#fold.open = true;
    blamed[0].focus();
  }

  /** @param {string} name */
  #forgive(name) {
    const field = this.#fields().find((one) => one.name === name);
    if (field?.ariaInvalid !== "true") return;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
    byId(`${field.id}-error`).remove();
  }

  /** Show what belongs to the chosen GAN and data. */
  #adapt() {
    const data = this.#data;
    byId("model-help").textContent = MODELS.get(this.#model.value)?.help ?? "";
    byId("gen_shape", HTMLInputElement).placeholder = usualShape(data);
    byId("own-help").hidden = data !== OWN;
    for (const part of this.#form.querySelectorAll("[data-only]")) part.toggleAttribute("hidden", !this.#counts(part));
  }

  get #data() {
    return this.#form.querySelector("input[name=data]:checked")?.getAttribute("value") ?? USUAL_DATA;
  }

  /** @param {Element} part of the form, and whether it is about the chosen GAN and data */
  #counts(part) {
    const only = part.getAttribute("data-only");
    return only === "toys" ? this.#data !== OWN : only === this.#model.value;
  }

  #all() {
    /** @type {Values} */
    const values = {};
    for (const field of this.#fields()) {
      const only = field.closest("[data-only]");
      if (only && !this.#counts(only)) continue;
      if (field instanceof HTMLInputElement && field.type === "radio" && !field.checked) continue;
      values[field.name] = field.value.trim();
    }
    return values;
  }

  #fields() {
    return [...this.#form.elements].filter(isField).filter((field) => field.name);
  }

  /** Fill in a setting. An option that does not exist changes nothing. @type {(name: string, text: string) => void} */
  #put(name, text) {
    for (const field of this.#fields().filter((one) => one.name === name)) {
      if (field instanceof HTMLSelectElement) {
        if ([...field.options].some(({ value }) => value === text)) field.value = text;
      } else if (field.type === "radio") field.checked ||= field.value === text;
      else field.value = text;
    }
  }
}

/** @type {(value: string, name: string) => HTMLElement} */
function choice(value, name) {
  const radio = make("input", { type: "radio", name: "data", value, defaultChecked: value === USUAL_DATA });
  const label = make("label", { className: "choice" }, radio, make("span", {}, name));
  radio.insertAdjacentHTML("afterend", `<svg aria-hidden="true"><use href="/static/icons.svg#toy-${value}"/></svg>`);
  return label;
}

/** @type {(element: Element) => element is Field} */
const isField = (element) => element instanceof HTMLInputElement || element instanceof HTMLSelectElement;

/** @type {(field: Field, message: string) => void} */
function blame(field, message) {
  const note = make("p", { className: "error", id: `${field.id}-error`, role: "alert" }, message);
  field.closest(".setting")?.append(note);
  field.ariaInvalid = "true";
  field.setAttribute("aria-errormessage", note.id);
}

/**
 * @param {ServiceError} error
 * @returns {Map<string, string>} settings and what is wrong with each
 */
function complaints(error) {
  const path = error.message.match(/^(?:[a-z_× ]+: )+/)?.[0] ?? "";
  const errors = error.errors.length > 0 ? error.errors : [{ field: path, message: error.message }];
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { field, message } of errors) {
    const name = settingOf(field);
    if (name && !found.has(name)) found.set(name, message.replace(path, ""));
  }
  return found;
}
