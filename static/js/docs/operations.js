// The calls, one section each, and what every one of them may answer when it refuses.

import { el, inline, prose } from "./elements.js";
import { rowsOf, typeWords } from "./schemas.js";
import { fieldTable, headerTable } from "./tables.js";
import { trial } from "./trial.js";

/** @typedef {import("./description.js").Description} Description */
/** @typedef {import("./description.js").Json} Json */
/** @typedef {import("./description.js").Operation} Operation */

const PROBLEM = "application/problem+json";
const PROBLEM_ID = "errors";

/**
 * The list of all calls.
 * @param {Description} description
 * @returns {HTMLElement[]}
 */
export function indexOf(description) {
  const tags = description.tags.flatMap((tag) => [
    el("p", { class: "index-tag" }, tag.name),
    el("ul", {}, tag.operations.map((operation) => el("li", {}, el("a", { href: `#${operation.id}` }, ...nameOf(operation))))),
  ]);
  const problems = problemSchema(description) ? [el("p", { class: "index-tag" }, el("a", { href: `#${PROBLEM_ID}` }, "errors"))] : [];
  return [...tags, ...problems];
}

/**
 * All calls, by tag.
 * @param {Description} description
 * @returns {HTMLElement[]}
 */
export function sections(description) {
  const shared = problemSchema(description);
  const tags = description.tags.map((tag) =>
    el(
      "section",
      { class: "tag" },
      el("h2", {}, tag.name),
      prose(tag.description),
      tag.operations.map((operation) => operationSection(description, operation, shared)),
    ),
  );
  return shared ? [...tags, problemSection(description, shared)] : tags;
}

/**
 * @param {Description} description
 * @param {Operation} operation
 * @param {Json | undefined} shared schema of the errors that have a section of their own
 */
function operationSection(description, operation, shared) {
  const title = `${operation.id}-title`;
  const answers = operation.responses.flatMap(([status, response]) => responseEntry(description, status, response, shared));
  return el(
    "section",
    { class: "operation", id: operation.id, "aria-labelledby": title },
    el("h3", { id: title }, el("a", { href: `#${operation.id}` }, ...nameOf(operation))),
    el(
      "div",
      { class: "prose" },
      operation.deprecated ? el("p", {}, el("strong", {}, "Deprecated.")) : null,
      operation.summary ? el("p", {}, operation.summary) : null,
      prose(operation.description),
    ),
    trial(description, operation),
    el("h4", {}, "Answers"),
    el("dl", { class: "responses" }, answers),
  );
}

/** @param {Operation} operation */
function nameOf(operation) {
  const kind = `method ${operation.method.toLowerCase()}`;
  return [el("span", { class: kind }, operation.method), " ", el("span", { class: "path" }, operation.path)];
}

/**
 * @param {Description} description
 * @param {string} status
 * @param {Json} response
 * @param {Json | undefined} shared
 */
function responseEntry(description, status, response, shared) {
  const contents = Object.entries(response.content ?? {});
  const types = contents.flatMap(([type, media], at) => {
    const known = type === PROBLEM && sameFields(description, media.schema, shared);
    return [at ? ", " : " ", known ? el("a", { href: `#${PROBLEM_ID}` }, type) : el("code", {}, type)];
  });
  const details = contents
    .filter(([type, media]) => !(type === PROBLEM && sameFields(description, media.schema, shared)))
    .map(([type, media]) => bodyDetails(description, type, media.schema));
  return [
    el("dt", {}, el("code", {}, status)),
    el(
      "dd",
      {},
      el("p", {}, inline(response.description ?? ""), types),
      response.headers ? folded("Headers", headerTable(description, response.headers)) : null,
      details,
    ),
  ];
}

/**
 * @param {Description} description
 * @param {string} type
 * @param {unknown} schema
 */
function bodyDetails(description, type, schema) {
  const fields = fieldTable(description, schema, `Fields of ${type}`);
  const words = typeWords(description, schema);
  return fields && folded(`Fields of ${type}${words === "object" ? "" : ` (${words})`}`, fields);
}

/**
 * @param {string} title
 * @param {HTMLElement} content
 */
function folded(title, content) {
  return el("details", {}, el("summary", {}, title), content);
}

/**
 * @param {Description} description
 * @returns {Json | undefined} the schema of the first problem+json answer
 */
function problemSchema(description) {
  for (const { responses } of description.operations) {
    for (const [, response] of responses) {
      const media = response.content?.[PROBLEM];
      if (media) return description.resolve(media.schema);
    }
  }
  return undefined;
}

/**
 * @param {Description} description
 * @param {unknown} schema
 * @param {Json | undefined} shared
 */
function sameFields(description, schema, shared) {
  return shared !== undefined && namesOf(description, schema) === namesOf(description, shared);
}

/**
 * @param {Description} description
 * @param {unknown} schema
 */
function namesOf(description, schema) {
  return rowsOf(description, schema).map((row) => row.name).join();
}

/**
 * @param {Description} description
 * @param {Json} schema
 */
function problemSection(description, schema) {
  return el(
    "section",
    { class: "tag operation", id: PROBLEM_ID },
    el("h2", {}, "Errors"),
    prose(schema.description),
    el("p", {}, "Whatever is refused, the body is ", el("code", {}, PROBLEM), ":"),
    fieldTable(description, schema, "Fields of an error"),
  );
}
