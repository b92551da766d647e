// The form with the settings of the next run.

import { byId } from "../dom.js";
import { dataChoices } from "./choices.js";
import { complain, forgive } from "./complaints.js";
import { OWN, SettingError, settingOf, usualShape, valuesOf } from "./settings.js";
import { MODELS } from "./words.js";

/** @typedef {import("./settings.js").Values} Values */
/** @typedef {import("./service.js").Job} Job */
/** @typedef {import("./service.js").Refusal} Refusal */

const MAX_SEED = 2 ** 31;
const USUAL_DATA = "four_clouds";

export class SettingsForm {
  #form = byId("settings", HTMLFormElement);
  #model = byId("model", HTMLSelectElement);
  #start = byId("start", HTMLButtonElement);
  #origin = byId("origin", HTMLElement);
  #fold = byId("more-settings", HTMLDetailsElement);
  /** @type {Values} */
  #usual;

  /**
   * @param {() => void} onChange a setting has changed
   * @param {() => void} onStart the run shall start
   */
  constructor(onChange, onStart) {
    byId("data", HTMLElement).append(...dataChoices(USUAL_DATA));
    this.#form.reset(); // browsers like to remember what was typed
    this.#usual = this.#all();
    this.#form.addEventListener("input", (event) => {
      if (event.target instanceof Element) this.#forgive(event.target.getAttribute("name") ?? "");
      this.#adapt();
      onChange();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#start.getAttribute("aria-disabled") !== "true") onStart();
    });
    byId("roll", HTMLButtonElement).addEventListener("click", () => {
      this.#put("seed", String(crypto.getRandomValues(new Uint32Array(1))[0] % MAX_SEED));
      this.#forgive("seed");
      onChange();
    });
    byId("usual", HTMLButtonElement).addEventListener("click", () => {
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

  /**
   * All settings that count for the chosen GAN.
   * @throws {SettingError} a field holds what is no number
   */
  get complete() {
    for (const field of this.#fields()) {
      if (field.validity.badInput && !field.closest("[hidden]"))
        throw new SettingError(field.name, "Expected a number.");
    }
    return this.#all();
  }

  /**
   * Show the settings of a run.
   * @param {Job} job
   */
  mirror(job) {
    this.fill(valuesOf(job));
    const { parent } = job;
    this.#origin.hidden = !parent;
    if (parent)
      this.#origin.textContent = `The run that is shown went on from step ${parent.step} of another one; a new one begins at step 0.`;
  }

  /**
   * Show settings; those that are left out are as usual.
   * @param {Values} values
   */
  fill(values) {
    this.clear();
    this.#origin.hidden = true;
    byId("own-points", HTMLElement).hidden = values.data !== OWN;
    for (const [name, text] of Object.entries({ ...this.#usual, ...values })) this.#put(name, text);
    this.#adapt();
  }

  /**
   * Say that a run is being started, or no longer.
   * @param {boolean} busy
   */
  set busy(busy) {
    this.#start.setAttribute("aria-disabled", String(busy));
    this.#start.textContent = busy ? "Starting …" : "Start training";
  }

  /** Take all complaints away. */
  clear() {
    forgive("settings-error");
    for (const field of this.#fields()) this.#forgive(field.name);
  }

  /**
   * Say what is wrong, beside the field that it is about.
   * @param {Refusal | SettingError} error
   */
  complain(error) {
    this.clear();
    const found = complaints(error).map(([name, message]) => {
      const field = this.#field(name);
      if (field) this.#blame(field, message);
      return field;
    });
    const first = found.find((field) => field);
    if (!first) return complain("settings-error", error);
    if (this.#fold.contains(first)) this.#fold.open = true;
    first.focus();
  }

  /**
   * @param {HTMLInputElement | HTMLSelectElement} field
   * @param {string} message
   */
  #blame(field, message) {
    const note = document.createElement("p");
    note.className = "error";
    note.id = `${field.id}-error`;
    note.setAttribute("role", "alert");
    note.textContent = message;
    field.closest(".setting")?.append(note);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", note.id);
  }

  /** @param {string} name */
  #forgive(name) {
    const field = this.#field(name);
    if (field?.getAttribute("aria-invalid") !== "true") return;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
    byId(`${field.id}-error`, HTMLElement).remove();
  }

  /** Show what belongs to the chosen GAN and data. */
  #adapt() {
    const model = this.#model.value;
    byId("model-help", HTMLElement).textContent = MODELS.get(model)?.help ?? "";
    const data = this.#data;
    byId("gen_shape", HTMLInputElement).placeholder = usualShape(data);
    byId("own-help", HTMLElement).hidden = data !== OWN;
    for (const part of this.#form.querySelectorAll("[data-only]")) {
      if (part instanceof HTMLElement) part.hidden = !this.#counts(part);
    }
  }

  get #data() {
    return this.#form.querySelector("input[name=data]:checked")?.getAttribute("value") ?? USUAL_DATA;
  }

  /**
   * Whether a part of the form is about the chosen GAN and data.
   * @param {HTMLElement} part
   */
  #counts({ dataset: { only } }) {
    return only === "toys" ? this.#data !== OWN : only === this.#model.value;
  }

  #all() {
    /** @type {Values} */
    const values = {};
    for (const field of this.#fields()) {
      const only = field.closest("[data-only]");
      if (only instanceof HTMLElement && !this.#counts(only)) continue;
      if (field.type !== "radio" || (field instanceof HTMLInputElement && field.checked))
        values[field.name] = field.value.trim();
    }
    return values;
  }

  #fields() {
    return [...this.#form.elements].filter(isField).filter((field) => field.name);
  }

  /** @param {string} name */
  #field(name) {
    return this.#fields().find((field) => field.name === name);
  }

  /**
   * A choice that there is not leaves things as they are.
   * @param {string} name
   * @param {string} text
   */
  #put(name, text) {
    const fields = this.#fields().filter((field) => field.name === name);
    for (const field of fields) {
      if (field.type === "radio" && field instanceof HTMLInputElement) field.checked ||= field.value === text;
      else if (!(field instanceof HTMLSelectElement) || [...field.options].some((one) => one.value === text))
        field.value = text;
    }
  }
}

/**
 * @param {Element} element
 * @returns {element is HTMLInputElement | HTMLSelectElement}
 */
function isField(element) {
  return element instanceof HTMLInputElement || element instanceof HTMLSelectElement;
}

/**
 * @param {Refusal | SettingError} error
 * @returns {[string, string][]} settings and what is wrong with each
 */
function complaints(error) {
  if (error instanceof SettingError) return [[error.field, error.message]];
  const path = error.message.match(/^(?:[a-z_× ]+: )+/)?.[0] ?? "";
  const errors = error.errors.length > 0 ? error.errors : [{ field: path, message: error.message }];
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { field, message } of errors) {
    const name = settingOf(field);
    if (name && !found.has(name)) found.set(name, message.replace(path, ""));
  }
  return [...found];
}
