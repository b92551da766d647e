// Trying a call: the form, its curl line, and the answer.

import { copy } from "../sharing.js";
import { AnswerView } from "./answer.js";
import { el } from "./elements.js";
import { bodyField, parameterFields } from "./fields.js";
import { isJson } from "./media.js";
import { answerTypes, callOf, curlLine } from "./requests.js";
import { fieldTable, parameterTable } from "./tables.js";

/** @typedef {import("./description.js").Description} Description */
/** @typedef {import("./description.js").Operation} Operation */
/** @typedef {import("./fields.js").BodyField} BodyField */
/** @typedef {import("./fields.js").Field} Field */
/** @typedef {import("./requests.js").Filled} Filled */

const COPIED_MS = 1500;

/**
 * The form of a call, with everything that it may be given.
 * @param {Description} description
 * @param {Operation} operation
 * @returns {HTMLElement[]}
 */
export function trial(description, operation) {
  const fields = parameterFields(description, operation);
  const body = bodyField(description, operation);
  const accept = acceptChoice(operation);
  const curl = curlBox();
  const doubt = el("p", { class: "doubt", role: "status" });
  const send = el("button", { class: "button primary", type: "submit" }, "Send");
  const stop = el("button", { class: "button", type: "button", hidden: true }, "Stop");
  const answer = new AnswerView(operation);
  const form = el(
    "form",
    { novalidate: true, "aria-label": `Try ${operation.method} ${operation.path}` },
    fields.length > 0 ? parameterTable(description, fields) : null,
    body ? bodyPart(description, operation, body) : null,
    accept ? el("label", { class: "accept" }, "Answer as", accept) : null,
    curl.box,
    el("div", { class: "row" }, send, stop, answer.status),
    doubt,
  );

  /** @returns {Filled} */
  function filled() {
    const values = fields.flatMap(({ parameter, schema, control }) =>
      control ? [{ parameter, value: control.value, list: schema.type === "array" }] : [],
    );
    const text = body?.area?.value;
    const sent = body && text !== undefined && (text || operation.body?.required) ? { type: body.type, text } : undefined;
    return { values, accept: accept?.value ?? "", body: sent };
  }

  /** Bring the curl line up to date. */
  function update() {
    const now = filled();
    const call = callOf(description.server, operation, now);
    curl.show(curlLine(call, operation, now));
    return { call, wrong: call.missing ?? (numberDoubt(fields) || jsonDoubt(now)) };
  }

  function check() {
    const { call, wrong } = update();
    doubt.textContent = wrong;
    return call;
  }

  async function submit() {
    const call = check();
    if (call.missing) return;
    stop.hidden = false;
    await answer.ask(call);
    if (answer.busy) return;
    if (document.activeElement === stop) send.focus();
    stop.hidden = true;
  }

  form.addEventListener("input", check);
  form.addEventListener("change", check);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  stop.addEventListener("click", () => answer.stop());
  send.disabled = body !== undefined && !body.area && operation.body?.required === true;
  update();
  return [form, answer.box];
}

/**
 * Browsers keep what is no number to themselves.
 * @param {Field[]} fields
 */
function numberDoubt(fields) {
  const bad = fields.find(({ control }) => control?.validity.badInput);
  return bad ? `${bad.parameter.name} is not a number, so it is left out.` : "";
}

/**
 * @param {Filled} filled
 * @returns {string} what is wrong with the body; it may be sent all the same
 */
function jsonDoubt(filled) {
  if (!filled.body || !isJson(filled.body.type)) return "";
  try {
    JSON.parse(filled.body.text);
    return "";
  } catch (error) {
    return `The body is not JSON: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * @param {Description} description
 * @param {Operation} operation
 * @param {BodyField} body
 */
function bodyPart(description, operation, body) {
  const place = body.type + (operation.body?.required ? ", required" : "");
  const label = el("label", { for: body.area?.id }, "Body ", el("span", { class: "place" }, place));
  return el(
    "div",
    { class: "body" },
    el("div", { class: "row" }, label, body.choice),
    fieldTable(description, body.schema, "Fields of the body"),
    body.area ?? el("p", { class: "help" }, "Nobody can type this: send it with curl, --data-binary or --form."),
  );
}

/**
 * A choice of media types, where the answer can be of different kinds. Types of one kind (`image/png`, `image/gif`)
 * are what a parameter chooses from.
 * @param {Operation} operation
 */
function acceptChoice(operation) {
  const types = answerTypes(operation);
  if (new Set(types.map((type) => type.split("/")[0])).size < 2) return undefined;
  const options = types.map((type) => el("option", { value: type }, type));
  return el("select", { class: "button", name: "Accept" }, el("option", { value: "" }, `${types[0]} (default)`), options.slice(1));
}

function curlBox() {
  const line = el("code", {});
  const button = el("button", { class: "button", type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copy(line.textContent ?? "")) ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
  });
  return {
    box: el("div", { class: "curl" }, el("pre", {}, line), button),
    /** @param {string} text */
    show: (text) => (line.textContent = text),
  };
}
