// From a filled-in form to a request, and to the curl line that makes the same one.

import { extension, isEvents, isJson, isText } from "./media.js";

/** @typedef {import("./description.js").Operation} Operation */
/** @typedef {import("./description.js").Parameter} Parameter */
/**
 * @typedef {object} Filled
 * @property {{ parameter: Parameter, value: string, list: boolean }[]} values empty ones are left out of the request
 * @property {string} accept media type; empty for the service's choice
 * @property {{ type: string, text: string } | undefined} body
 */
/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {string | undefined} body
 * @property {string | undefined} missing why it cannot be sent
 */

/**
 * Make the request of a form.
 * @param {string} server
 * @param {Operation} operation
 * @param {Filled} filled
 * @returns {Call}
 */
export function callOf(server, operation, filled) {
  const query = new URLSearchParams();
  /** @type {Record<string, string>} */
  const headers = filled.accept ? { Accept: filled.accept } : {};
  let path = operation.path;
  let missing;
  for (const { parameter, value, list } of filled.values) {
    if (parameter.in === "path") {
      if (value === "") missing = `${parameter.name} is missing; it is part of the address.`;
      if (/^\.\.?$/.test(value)) missing = `${parameter.name} cannot be dots alone; no address can carry them.`;
      if (value) path = path.replaceAll(`{${parameter.name}}`, () => encodeURIComponent(value));
    } else if (value !== "" && parameter.in === "query") {
      for (const item of list ? value.split(",") : [value]) query.append(parameter.name, item.trim() || item);
    } else if (value !== "" && parameter.in === "header") {
      headers[parameter.name] = value;
    }
  }
  if (filled.body) headers["Content-Type"] = filled.body.type;
  const url = server + path + (query.size ? `?${query}` : "");
  return { method: operation.method, url, headers, body: filled.body?.text, missing };
}

/**
 * The command that makes the same request.
 * @param {Call} call
 * @param {Operation} operation
 * @param {Filled} filled
 * @returns {string}
 */
export function curlLine(call, operation, filled) {
  const type = answerType(operation, filled);
  const words = ["curl"];
  if (call.method === "HEAD") words.push("--head");
  else if (call.method !== (call.body === undefined ? "GET" : "POST")) words.push("-X", call.method);
  if (isEvents(type)) words.push("-N");
  if (type && !isText(type)) words.push("-o", quoted(fileName(operation, type)));
  words.push(quoted(call.url));
  for (const [name, value] of Object.entries(call.headers)) words.push("-H", quoted(`${name}: ${value}`));
  if (call.body !== undefined) words.push("--data-raw", quoted(compact(call.body, call.headers["Content-Type"])));
  return words.join(" ");
}

/**
 * The media types of an operation's successful answers.
 * @param {Operation} operation
 * @returns {string[]}
 */
export function answerTypes(operation) {
  const good = operation.responses.filter(([status]) => status.startsWith("2") || status === "default");
  return [...new Set(good.flatMap(([, response]) => Object.keys(response.content ?? {})))];
}

/**
 * The type of the answer, as far as the form decides it.
 * @param {Operation} operation
 * @param {Filled} filled
 */
function answerType(operation, filled) {
  if (filled.accept) return filled.accept;
  const types = answerTypes(operation);
  const asked = filled.values.map(({ value }) => value.toLowerCase());
  return types.find((type) => asked.includes(type.split("/")[1])) ?? types[0] ?? "";
}

/**
 * @param {Operation} operation
 * @param {string} type
 * @returns {string} a name for the file that the answer is
 */
export function fileName(operation, type) {
  const last = operation.path.split("/").findLast((step) => step && !step.startsWith("{")) ?? "answer";
  return last.includes(".") ? last : `${last}.${extension(type)}`;
}

/**
 * @param {string} text
 * @param {string} type
 */
function compact(text, type) {
  try {
    return isJson(type) ? JSON.stringify(JSON.parse(text)) : text;
  } catch {
    return text;
  }
}

/** @param {string} word */
function quoted(word) {
  return /^[\w./:=%,@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
