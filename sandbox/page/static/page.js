"use strict";
/* Keeps the page in step with the sandbox: forms go in the background, regions that changed are swapped. */

const parser = new DOMParser();
const shown = new Map();
let version = document.body.dataset.version;
let busy = false;

function regions(root) {
  return [...root.querySelectorAll("[data-region]")];
}

function remember(root) {
  for (const region of regions(root)) shown.set(region.id, region.innerHTML);
}

function fields(region) {
  return [...region.querySelectorAll("input:not([type=hidden]):not([type=file]), textarea, select")];
}

/* What a person typed and did not send yet survives a swap, as long as the field is still there. */
function typed(region) {
  const kept = new Map();
  for (const field of fields(region)) {
    const key = field.name + "|" + (field.type === "checkbox" || field.type === "radio" ? field.value : "");
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked !== field.defaultChecked) kept.set(key, (f) => (f.checked = field.checked));
    } else if (field.tagName === "SELECT") {
      const now = [...field.options].filter((o) => o.selected);
      if ([...field.options].some((o) => o.selected !== o.defaultSelected) && now.some((o) => o.value)) {
        const options = now.map((o) => new Option(o.text, o.value, false, true));
        kept.set(key, (f) => {
          for (const option of options) {
            const same = [...f.options].find((o) => o.value === option.value);
            if (same) same.selected = true;
            else f.add(option);
          }
        });
      }
    } else if (field.value !== field.defaultValue) {
      kept.set(key, (f) => (f.value = field.value));
    }
  }
  return kept;
}

function restore(region, kept) {
  for (const field of fields(region)) {
    const key = field.name + "|" + (field.type === "checkbox" || field.type === "radio" ? field.value : "");
    if (field.name && kept.has(key)) kept.get(key)(field);
  }
}

function swap(old, fresh, forget) {
  const atEnd = old.scrollHeight - old.scrollTop - old.clientHeight < 40;
  const top = old.scrollTop;
  const modalTop = old.querySelector("#modal-inside")?.scrollTop ?? 0;
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const [id, name, start] = [focus?.id, focus?.name, focus?.selectionStart];
  const open = [...old.querySelectorAll("details")].map((d) => d.open);
  const sameView = old.querySelector("[data-view]")?.dataset.view === fresh.querySelector("[data-view]")?.dataset.view;
  const kept = forget || !sameView ? new Map() : typed(old);
  const files = new Map([...old.querySelectorAll("input[type=file]")].filter((f) => f.files.length && !forget && sameView).map((f) => [f.name, f]));
  old.innerHTML = fresh.innerHTML;
  restore(old, kept);
  for (const file of old.querySelectorAll("input[type=file]")) if (files.has(file.name)) file.replaceWith(files.get(file.name));
  if (old.id.startsWith("panel-")) [...old.querySelectorAll("details")].forEach((d, i) => (d.open = open[i] ?? d.open));
  old.scrollTop = "bottom" in old.dataset && atEnd ? old.scrollHeight : top;
  const inside = old.querySelector("#modal-inside");
  if (inside && sameView) inside.scrollTop = modalTop;
  if (focus) {
    const same = (f) => f.name === name && f.type !== "hidden" && (f.tagName !== "BUTTON" || f.value === focus.value);
    const again = id ? document.getElementById(id) : name ? [...old.querySelectorAll("[name]")].find(same) : null;
    again?.focus({ preventScroll: true });
    if (again && typeof start === "number" && /^(text|search|textarea)$/.test(again.type)) again.setSelectionRange(start, start);
  } else if (old.id === "overlay" && !sameView) {
    old.querySelector(".modal-inside input:not([type=hidden]), .modal-inside textarea")?.focus();
  }
  prepare(old);
}

function take(html, sent) {
  const page = parser.parseFromString(html, "text/html");
  version = page.body.dataset.version;
  const frame = (root) => regions(root).map((r) => r.id).join();
  if (frame(page) !== frame(document)) {
    document.body.replaceWith(page.body);
    remember(document);
    prepare(document);
    for (const list of document.querySelectorAll("[data-bottom]")) list.scrollTop = list.scrollHeight;
    return;
  }
  document.title = page.title;
  for (const fresh of regions(page)) {
    const old = document.getElementById(fresh.id);
    const own = sent !== undefined && old.contains(sent);
    if (shown.get(fresh.id) !== fresh.innerHTML || own) {
      shown.set(fresh.id, fresh.innerHTML);
      swap(old, fresh, own && !old.querySelector(".modal"));
    }
  }
}

async function look() {
  const answer = await fetch(location.href, { cache: "no-store" });
  take(await answer.text());
}

async function tick() {
  try {
    if (!busy && !document.hidden) {
      const answer = await fetch("/page/version", { cache: "no-store" });
      if (answer.ok && (await answer.text()) !== version && !busy) await look();
    }
  } catch {
    document.getElementById("said").textContent = "The sandbox does not answer. It may have been stopped.";
  }
  setTimeout(tick, 1000);
}

async function send(form, action, data) {
  busy = true;
  document.body.classList.add("sending");
  try {
    const multipart = form.enctype === "multipart/form-data";
    const answer = await fetch(action, { method: "POST", body: multipart ? data : new URLSearchParams(data) });
    const isPage = answer.redirected && new URL(answer.url).pathname === "/" && !form.closest(".panels");
    if (!form.closest(".modal")) form.reset();
    if (isPage) {
      const url = new URL(answer.url);
      url.searchParams.delete("said");
      if (form.hasAttribute("data-go")) history.pushState({}, "", url);
      take(await answer.text(), form);
    } else {
      await look();
    }
  } finally {
    busy = false;
    document.body.classList.remove("sending");
  }
}

/* Slack's own confirm dialog. */
function confirmed(text) {
  if (!text) return Promise.resolve(true);
  const words = JSON.parse(text);
  const dialog = document.createElement("dialog");
  dialog.className = "confirm";
  dialog.innerHTML =
    `<h2>${words.title}</h2><p>${words.text}</p><footer>` +
    `<button value="no" data-testid="confirm-no">${words.deny}</button>` +
    `<button value="yes" class="${words.style === "danger" ? "danger" : "primary"}" data-testid="confirm-yes">${words.confirm}</button></footer>`;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) dialog.close(button.value);
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const button = event.submitter;
  const data = new FormData(form, button);
  const action = button?.getAttribute("formaction") || form.getAttribute("action");
  if (await confirmed(button?.dataset.confirm)) {
    if (button?.dataset.url) window.open(button.dataset.url, "_blank", "noopener");
    await send(form, action, data);
  }
});

document.addEventListener("change", async (event) => {
  const field = event.target;
  if (field.matches("select[data-go]")) field.form.submit();
  if (!field.dataset.change) return;
  const data = new FormData(field.form);
  data.set("pressed", field.dataset.change);
  if (await confirmed(field.dataset.confirm)) await send(field.form, field.dataset.act, data);
});

async function suggest(search) {
  const select = search.nextElementSibling;
  if (search.value.length < Number(search.dataset.least)) return;
  const query = new URLSearchParams({
    as: search.form.elements.as.value,
    where: search.form.elements.where.value,
    action_id: search.dataset.suggest,
    q: search.value,
  });
  const options = await (await fetch("/page/options?" + query)).json();
  const chosen = [...select.selectedOptions].filter((o) => o.value);
  const empty = [...select.options].filter((o) => !o.value);
  select.replaceChildren(...empty, ...chosen, ...options.filter((o) => !chosen.some((c) => c.value === o.value)).map((o) => new Option(o.label, o.value)));
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-suggest]")) suggest(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog.confirm")) document.querySelector(".modal header button")?.click();
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

/* External selects load their first options. */
function prepare(root) {
  for (const search of root.querySelectorAll("[data-suggest]")) if (search.dataset.least === "0") suggest(search);
}

window.addEventListener("popstate", look);
remember(document);
prepare(document);
for (const list of document.querySelectorAll("[data-bottom]")) list.scrollTop = list.scrollHeight;
setTimeout(tick, 1000);
