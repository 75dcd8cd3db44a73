// Keeps a page as its server has it: parts that have changed come as events, and the page is changed where it differs.
"use strict";

const LONGEST_SILENCE = 15_000, FIRST_PAUSE = 500, LONGEST_PAUSE = 15_000;
const page = document.body, main = document.querySelector("main");
const connection = document.getElementById("connection"), age = document.getElementById("age");
let version = page.dataset.version, isFinal = page.dataset.final === "true", isLost = false;
let heardAt = Date.now(), askedAt = heardAt, pause = FIRST_PAUSE, source, retry;

// Changes one node into another and leaves alone what is the same, so that focus, scroll positions, a selection and
// what the pointer rests on stay. Whether details are open is up to the reader.
function morph(from, to) {
  if (from === to) return;
  if (from.nodeName !== to.nodeName || from.id !== to.id) return from.replaceWith(to);
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) !== value && name !== "open") from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  arrange(from, [...to.childNodes]);
}

function arrange(parent, wanted) {
  wanted.forEach((child, place) => {
    const present = parent.childNodes[place];
    const same = child.id && [...parent.children].find((each) => each.id === child.id);
    if (same && same !== present) parent.insertBefore(same, present);
    if (same || (present && !present.id)) morph(same || present, child);
    else parent.insertBefore(child, present ?? null);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function parsed(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content.firstElementChild;
}

function show(update) {
  if (update.look !== page.dataset.look) return location.reload();
  version = update.version;
  document.title = update.title;
  document.getElementById("icon").href = update.icon;
  const focused = document.activeElement;
  arrange(main, update.order.map((id) => id in update.parts ? parsed(update.parts[id]) : document.getElementById(id)));
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

function hear() {
  heardAt = Date.now();
  pause = FIRST_PAUSE;
  if (!isLost) return;
  isLost = false;
  connection.textContent = age.textContent = "";
}

function lose() {
  source.close();
  clearTimeout(retry);
  if (document.hidden || isFinal) return;
  isLost = true;
  connection.textContent = "Connection lost, trying again.";
  // Many may look at the same page, and they must not all come back at once.
  retry = setTimeout(connect, pause * (0.75 + Math.random() / 2));
  pause = Math.min(2 * pause, LONGEST_PAUSE);
}

function connect() {
  clearTimeout(retry);
  source?.close();
  if (isFinal) return;
  askedAt = Date.now();
  source = new EventSource(`${page.dataset.events}?seen=${encodeURIComponent(version)}`);
  source.addEventListener("update", (event) => { hear(); show(JSON.parse(event.data)); });
  source.addEventListener("alive", hear);
  source.addEventListener("final", () => { isFinal = true; source.close(); });
  source.addEventListener("error", lose);
}

setInterval(() => {
  if (document.hidden || isFinal) return;
  if (isLost) age.textContent = `What you see is ${Math.round((Date.now() - heardAt) / 1000)} s old.`;
  if (source.readyState === EventSource.OPEN && Date.now() - Math.max(heardAt, askedAt) > LONGEST_SILENCE) lose();
}, 1_000);

// A browser has few connections to a server, and a page that nobody sees needs none.
document.addEventListener("visibilitychange", () => (document.hidden ? source?.close() : connect()));
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
connect();
