// An answer of the service: its status, the headers that matter, and the body as what it is.

import { el, table } from "./elements.js";
import { isEvents, isJson, isText, pretty, sizeWords } from "./media.js";
import { fileName } from "./requests.js";

/** @typedef {import("./description.js").Operation} Operation */
/** @typedef {import("./requests.js").Call} Call */

const SHOWN_HEADERS = ["content-type", "location", "retry-after", "content-disposition", "etag", "cache-control", "allow", "link"];
const LONGEST_TEXT = 100_000;
const PICTURE_SIDE = 256;
const MARGIN = 24;

export class AnswerView {
  /** @type {AbortController | undefined} */
  #running;
  #address = "";

  /** @param {Operation} operation */
  constructor(operation) {
    this.operation = operation;
    this.status = el("p", { class: "status", role: "status" });
    this.box = el("div", { class: "answer", hidden: true });
  }

  /** Whether an answer is being waited for, or still coming in. */
  get busy() {
    return this.#running !== undefined;
  }

  /** Stop waiting. */
  stop() {
    this.#running?.abort();
  }

  /**
   * Send a request and show what comes back.
   * @param {Call} call
   * @returns {Promise<void>}
   */
  async ask(call) {
    this.stop();
    const run = new AbortController();
    this.#running = run;
    this.status.textContent = "Waiting …";
    delete this.status.dataset.good;
    const begun = performance.now();
    try {
      const { method, headers, body } = call;
      const answer = await fetch(call.url, { method, headers, body, signal: run.signal, cache: "no-store" });
      await this.#show(answer, begun, run);
    } catch (error) {
      if (this.#running === run) this.#fail(run.signal.aborted, error);
    } finally {
      if (this.#running === run) this.#running = undefined;
    }
  }

  /**
   * @param {boolean} stopped
   * @param {unknown} error
   */
  #fail(stopped, error) {
    this.status.textContent = stopped ? "Stopped." : "The server cannot be reached.";
    if (stopped) return;
    this.box.hidden = true;
    console.info(error);
  }

  /**
   * @param {Response} answer
   * @param {number} begun
   * @param {AbortController} run
   */
  async #show(answer, begun, run) {
    const type = answer.headers.get("content-type") ?? "";
    if (isEvents(type)) return this.#showEvents(answer, run);
    const content = await answer.blob();
    const spent = Math.round(performance.now() - begun);
    const body = await this.#body(content, type, answer);
    if (run.signal.aborted) return;
    this.#replace(this.#headers(answer), ...body);
    this.#say(answer, `${sizeWords(content.size)}, ${spent} ms`);
  }

  /**
   * Server-sent events appear as they come.
   * @param {Response} answer
   * @param {AbortController} run
   */
  async #showEvents(answer, run) {
    const text = el("pre", { class: "text", tabindex: 0, "aria-label": "Events" });
    this.#replace(this.#headers(answer), text);
    this.#say(answer, "events as they come");
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      if (this.#running !== run) return;
      text.textContent = ((text.textContent ?? "") + part.value).slice(-LONGEST_TEXT);
      text.scrollTop = text.scrollHeight;
    }
    this.#say(answer, "the stream has ended");
  }

  /**
   * @param {Response} answer
   * @param {string} rest
   */
  #say(answer, rest) {
    this.status.textContent = [`${answer.status} ${answer.statusText}`.trim(), rest].join(" – ");
    this.status.dataset.good = String(answer.ok);
  }

  /** @param {...HTMLElement} parts */
  #replace(...parts) {
    this.box.replaceChildren(...parts);
    this.box.hidden = false;
  }

  /** @param {Response} answer */
  #headers(answer) {
    const documented = this.operation.responses.flatMap(([, response]) => Object.keys(response.headers ?? {}));
    const names = new Set([...SHOWN_HEADERS, ...documented.map((name) => name.toLowerCase())]);
    const shown = [...answer.headers].filter(([name]) => names.has(name) || name.startsWith("x-"));
    const rows = shown.map(([name, value]) => [
      [el("code", {}, name.replace(/(^|-)\w/g, (letter) => letter.toUpperCase()).replace(/^Etag$/, "ETag"))],
      [name === "location" ? el("a", { href: value }, value) : value],
    ]);
    return table("Headers of the answer", "headers", ["Header", "Value"], rows);
  }

  /**
   * @param {Blob} content
   * @param {string} type
   * @param {Response} answer
   * @returns {Promise<HTMLElement[]>}
   */
  async #body(content, type, answer) {
    if (content.size === 0) return [el("p", { class: "help" }, "The answer has no body.")];
    const save = this.#saveLink(content, type, answer);
    if (/^image\//.test(type)) return [await picture(this.#address, this.status.parentElement?.clientWidth ?? 0), save];
    if (!isText(type)) return [save];
    const text = await content.text();
    if (!isJson(type)) return [textBlock(text)];
    const value = parsed(text);
    if (!answer.ok && value?.detail !== undefined) return [problem(value), raw(value)];
    return [textBlock(value === undefined ? text : pretty(value))];
  }

  /**
   * @param {Blob} content
   * @param {string} type
   * @param {Response} answer
   */
  #saveLink(content, type, answer) {
    URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(content);
    const given = /filename="?([^";]+)/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
    const name = given ?? fileName(this.operation, type);
    return el("p", {}, el("a", { class: "button", href: this.#address, download: name }, `Save ${name}`));
  }
}

/**
 * @param {string} address
 * @param {number} room width in CSS pixels
 * @returns {Promise<HTMLElement>} enlarged by a whole factor where it is small
 */
async function picture(address, room) {
  const image = el("img", { src: address });
  try {
    await image.decode();
  } catch {
    return el("p", {}, "The browser cannot show this picture.");
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  const factor = Math.max(1, Math.floor(Math.min(PICTURE_SIDE / height, (room - MARGIN) / width)));
  image.width = width * factor;
  const words = `${width} × ${height} pixels${factor > 1 ? `, shown ${factor} times as large` : ""}`;
  image.alt = `The answer: a picture of ${width} × ${height} pixels`;
  return el("figure", {}, image, el("figcaption", { class: "help" }, words));
}

/** @param {Record<string, any>} value problem details (RFC 9457) */
function problem(value) {
  const errors = Array.isArray(value.errors) ? value.errors : [];
  const items = errors.map((error) => el("li", {}, el("code", {}, String(error?.field)), `: ${error?.message}`));
  return el(
    "div",
    { class: "box" },
    value.title ? el("p", { class: "problem-title" }, String(value.title)) : null,
    el("p", {}, typeof value.detail === "string" ? value.detail : JSON.stringify(value.detail)),
    // With one error, the detail says it all.
    items.length > 1 ? el("ul", {}, items) : null,
  );
}

/** @param {unknown} value */
function raw(value) {
  return el("details", {}, el("summary", {}, "The body as it came"), textBlock(pretty(value)));
}

/** @param {string} text */
function textBlock(text) {
  const rest = text.length - LONGEST_TEXT;
  const shown = rest > 0 ? `${text.slice(0, LONGEST_TEXT)}\n… and ${rest} characters more` : text;
  return el("pre", { class: "text", tabindex: 0, role: "region", "aria-label": "Body of the answer" }, shown);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
