// Puts the page together. The job that is shown is the one in the address, behind the #.

import { Api } from "./api.js";
import { Form } from "./form.js";
import { History } from "./history.js";
import { KeyForm, storedKey } from "./key.js";
import { Stage } from "./stage.js";

const api = new Api(new URL(".", document.baseURI).href, storedKey());
const keyForm = new KeyForm((key) => { api.key = key; begin(); });
const history = new History(api, open);
const stage = new Stage(api, { onSeen: (job) => history.see(job), onDeleted: forget });
const form = new Form(api, { onMade: open, onRefused: (error) => keyForm.ask(error) });

function open(id) {
  if (location.hash === `#${id}`) show();
  else location.hash = id;
}

function show() {
  const id = location.hash.slice(1);
  history.mark(id);
  if (!id) return;
  stage.show(id);
  document.getElementById("stage").scrollIntoView({ block: "nearest" });
}

function forget(id) {
  window.history.replaceState(null, "", location.pathname + location.search);
  history.drop(id);
}

async function begin() {
  try {
    await form.describe();
    keyForm.accept();
    await history.load();
    show();
  } catch (error) {
    if (error.status === 401) keyForm.ask(error);
    else document.getElementById("form-error").textContent = error.message;
  }
}

addEventListener("hashchange", show);
begin();
