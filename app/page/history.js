// Past jobs, newest first, a page at a time.

import { duration, state } from "./words.js";

const element = (id) => document.getElementById(id);

export class History {
  #api;
  #onChosen;
  #items = new Map();
  #current = null;
  #last = null;

  constructor(api, onChosen) {
    this.#api = api;
    this.#onChosen = onChosen;
    element("more").addEventListener("click", () => this.load());
  }

  /** The first page, and with every further call the next one. Raises ApiError where the key is at fault. */
  async load() {
    element("history-error").textContent = "";
    try {
      const after = this.#last ? `&after=${encodeURIComponent(this.#last)}` : "";
      const page = await this.#api.json(`v1/jobs?limit=12${after}`);
      for (const job of page.data) if (!this.#items.has(job.id)) this.#add(job, "append");
      this.#last = page.last_id ?? this.#last;
      element("more").hidden = !page.has_more;
    } catch (error) {
      if (error.status === 401) throw error;
      element("history-error").textContent = error.message;
    }
    this.#count();
  }

  see(job) {
    if (this.#items.has(job.id)) this.#items.get(job.id).write(job);
    else this.#add(job, "prepend");
    this.#count();
  }

  mark(id) {
    this.#items.get(this.#current)?.mark(false);
    this.#current = id;
    this.#items.get(id)?.mark(true);
  }

  drop(id) {
    this.#items.get(id)?.remove();
    this.#items.delete(id);
    this.#count();
    element("history-title").focus();
  }

  #add(job, where) {
    const item = new Item(this.#api, job, () => this.#onChosen(job.id));
    item.mark(job.id === this.#current);
    this.#items.set(job.id, item);
    element("jobs")[where](item.root);
  }

  #count() {
    element("none").hidden = this.#items.size > 0;
  }
}

class Item {
  root = document.createElement("li");
  #api;
  #button = document.createElement("button");
  #words = document.createElement("span");
  #state = document.createElement("span");
  #picture = document.createElement("span");

  constructor(api, job, onClick) {
    this.#api = api;
    this.#button.type = "button";
    this.#button.addEventListener("click", onClick);
    this.#words.className = "words";
    this.#state.className = "state";
    this.#picture.className = "blank";
    this.#words.textContent = job.prompt;
    this.#button.append(this.#picture, this.#words, this.#state);
    this.root.append(this.#button);
    this.write(job);
  }

  write(job) {
    this.#state.textContent = `${duration(job.seconds)} · ${state(job)}`;
    this.#state.dataset.status = job.status;
    if (this.#picture.tagName !== "IMG" && (job.thumbnail_url || job.image_url)) this.#draw(job);
  }

  mark(current) {
    this.#button.setAttribute("aria-current", String(current));
  }

  remove() {
    URL.revokeObjectURL(this.#picture.src);
    this.root.remove();
  }

  async #draw({ id, thumbnail_url, image_url }) {
    const image = document.createElement("img");
    image.alt = "";
    this.#picture.replaceWith(image);
    this.#picture = image;
    try {
      image.src = thumbnail_url
        ? URL.createObjectURL(await this.#api.blob(`v1/videos/${id}/content?variant=thumbnail`))
        : image_url; // while it is rendered
    } catch {
      // It stays blank.
    }
  }
}
