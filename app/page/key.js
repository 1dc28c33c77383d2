// The API key, where the server asks for one: kept for this tab, asked for when it is refused.

const NAME = "magic141-api-key";
const element = (id) => document.getElementById(id);

export const storedKey = () => sessionStorage.getItem(NAME) ?? "";

/** Calls `onKey(key)` with each key that is entered. */
export class KeyForm {
  constructor(onKey) {
    element("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = element("key").value.trim();
      sessionStorage.setItem(NAME, key);
      onKey(key);
    });
  }

  ask(error) {
    element("key-form").hidden = false;
    element("key-error").textContent = error.code === "missing_api_key" ? "" : error.message;
    element("key").focus();
  }

  accept() {
    element("key-error").textContent = "";
  }
}
