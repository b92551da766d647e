// The page of the API: what openapi.json says, to read and to try.

import { ask, ServiceError } from "../api.js";
import { byId } from "../dom.js";
import { Description, isObject } from "./description.js";
import { prose } from "./elements.js";
import { indexOf, sections } from "./operations.js";

/** @typedef {import("./description.js").Json} Json */

const ADDRESS = "/openapi.json";

const loading = byId("loading", HTMLElement);
const failure = byId("failure", HTMLElement);

/**
 * Fetch the document.
 * @returns {Promise<Json>}
 * @throws {ServiceError}
 */
async function load() {
  const answer = await ask(ADDRESS);
  const document = await answer.json().catch(() => null);
  if (!isObject(document) || !isObject(document.paths)) {
    throw new ServiceError(`The server has sent something else than an OpenAPI document as ${ADDRESS}.`);
  }
  return document;
}

/** @param {Json} content */
function draw(content) {
  const description = new Description(content);
  const { title = "API", version, description: text } = content.info ?? {};
  document.title = `API – ${title}`;
  const edition = byId("edition", HTMLElement);
  edition.textContent = [title, version].filter(Boolean).join(" ");
  edition.hidden = false;
  byId("description", HTMLElement).replaceChildren(...prose(text));
  const index = byId("index", HTMLElement);
  index.replaceChildren(...indexOf(description));
  index.hidden = false;
  byId("calls", HTMLElement).replaceChildren(...sections(description));
  // The browser looked for the address's #part before it was here.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

async function open() {
  failure.hidden = true;
  loading.textContent = "Reading the description of the API …";
  try {
    draw(await load());
  } catch (error) {
    const reason = error instanceof ServiceError ? error.message : `This page cannot make sense of ${ADDRESS}.`;
    byId("failure-text", HTMLElement).textContent = `The description of the API cannot be shown. ${reason}`;
    failure.hidden = false;
    if (!(error instanceof ServiceError)) throw error;
  } finally {
    loading.textContent = "";
  }
}

byId("retry", HTMLButtonElement).addEventListener("click", () => void open());
void open();
