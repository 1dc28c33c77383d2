// The field for the first picture: chosen or dropped, shown, removed. The file input holds it.

export class Picture {
  #input;
  #preview;

  constructor(root, onChange) {
    this.#input = root.querySelector("input");
    this.#preview = root.querySelector("#preview");
    this.#input.addEventListener("change", () => { this.#show(); onChange(); });
    this.#preview.querySelector("button").addEventListener("click", () => {
      this.#input.value = "";
      this.#input.dispatchEvent(new Event("change"));
      this.#input.focus();
    });
    root.addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("over"); });
    root.addEventListener("dragleave", () => root.classList.remove("over"));
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      this.#input.files = event.dataTransfer.files;
      this.#input.dispatchEvent(new Event("change"));
    });
  }

  get file() {
    return this.#input.files[0] ?? null;
  }

  #show() {
    const image = this.#preview.querySelector("img");
    URL.revokeObjectURL(image.src);
    if (this.file) image.src = URL.createObjectURL(this.file);
    else image.removeAttribute("src");
    this.#preview.hidden = !this.file;
  }
}
