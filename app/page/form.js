// The form: from its fields to a job, with errors beside the fields they name. The server alone judges them.

import { curl } from "./curl.js";
import { EXAMPLES, draw } from "./examples.js";
import { Picture } from "./picture.js";

const FIELDS = ["prompt", "image", "seconds", "seed"];
const element = (id) => document.getElementById(id);
/** A number where it reads as one; else the text, for the server to refuse. */
const numeric = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

export class Form {
  #api;
  #form = element("form");
  #picture = new Picture(element("drop"), () => this.#write());
  #onMade;
  #onRefused;
  #sending = false;

  /** `onMade(id)` with each accepted job; `onRefused(error)` where the key is at fault. */
  constructor(api, { onMade, onRefused }) {
    this.#api = api;
    this.#onMade = onMade;
    this.#onRefused = onRefused;
    this.#form.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.#form.addEventListener("input", () => this.#write());
    element("copy").addEventListener("click", () => this.#copy());
    element("prompt").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
    element("examples").append(...EXAMPLES.map((example) => this.#example(example)));
    this.#write();
  }

  async describe() {
    const models = await this.#api.json("v1/models");
    const model = models.data.find((found) => found.default);
    if (model) element("seconds-hint").textContent = `${model.min_seconds} to ${model.max_seconds}`;
    this.#write();
  }

  #example({ prompt, sketch }) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.append(draw(sketch), prompt);
    button.addEventListener("click", () => {
      element("prompt").value = prompt;
      this.#write();
      this.#submit();
    });
    item.append(button);
    return item;
  }

  get #values() {
    const values = { prompt: element("prompt").value };
    for (const name of ["seconds", "seed"]) {
      const text = element(name).value.trim();
      if (text) values[name] = numeric(text);
    }
    return values;
  }

  get #request() {
    const { file } = this.#picture;
    if (!file) {
      return { headers: { "content-type": "application/json" }, body: JSON.stringify(this.#values) };
    }
    const body = new FormData();
    for (const [name, value] of Object.entries(this.#values)) body.set(name, value);
    body.set("image", file);
    return { body };
  }

  async #submit() {
    if (this.#sending) return; // a button that is `disabled` meanwhile would lose the focus
    this.#sending = true;
    this.#clear();
    try {
      const video = await this.#api.json("v1/videos", { method: "POST", ...this.#request });
      this.#onMade(video.id);
    } catch (error) {
      if (error.status === 401) this.#onRefused(error);
      else this.#tell(error);
    } finally {
      this.#sending = false;
    }
  }

  #tell(error) {
    const name = FIELDS.find((field) => error.param === field || error.param?.startsWith(`${field}.`));
    element(`${name ?? "form"}-error`).textContent = error.message;
    if (!name) return;
    element(name).setAttribute("aria-invalid", "true");
    element(name).focus();
  }

  #clear() {
    element("form-error").textContent = "";
    for (const name of FIELDS) {
      element(`${name}-error`).textContent = "";
      element(name).removeAttribute("aria-invalid");
    }
  }

  #write() {
    const url = this.#api.url("v1/videos");
    element("curl").textContent = curl(url, this.#values, this.#picture.file, Boolean(this.#api.key));
    element("copied").textContent = "";
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(element("curl").textContent);
      element("copied").textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(element("curl"));
      element("copied").textContent = "Selected: copy it with the keyboard.";
    }
  }
}
