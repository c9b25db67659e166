// What a page gains with a script: live numbers, times as the reader's clock has them, countdowns.
// Without it every page shows the same, as it was when it was loaded.
"use strict";

const pad = (number) => String(number).padStart(2, "0");

/** Shows moments in the time of whoever looks. */
function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
    const minute = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
    const second = `${minute}:${pad(at.getSeconds())}`;
    const clock = time.closest("#chart") ? second : minute;
    time.textContent = at.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`;
    time.title = `${day} ${second}`;
  }
}

/** How far the server's clock is ahead of ours. */
let ahead = 0;

function setClock() {
  const now = document.querySelector("[data-now]");
  if (now) ahead = new Date(now.dataset.now) - Date.now();
}

/** Counts down to every expiry on the page. */
function countDown() {
  const list = document.querySelector("[data-expired]");
  for (const left of document.querySelectorAll("[data-until]")) {
    const seconds = Math.floor((new Date(left.dataset.until) - Date.now() - ahead) / 1000);
    const hours = Math.floor(seconds / 3600);
    const rest = `${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
    const text = seconds < 0 ? list.dataset.expired : hours > 0 ? `${hours}:${rest}` : rest;
    if (left.textContent !== text) left.textContent = text;
    left.classList.toggle("soon", seconds < 300);
  }
}

/** Puts new contents into an element, and the focus back where it was. */
function put(element, html) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  if (element.hasAttribute("data-keyed")) {
    mergeInto(element, html);
  } else {
    element.innerHTML = html;
  }
  if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus();
  localTimes(element);
}

/** Exchanges what changed in a list and leaves the rest alone: open codes, focus, place. */
function mergeInto(element, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const focused = document.activeElement.closest("li[data-key]");
  const following = focused?.nextElementSibling;
  merge(element, fresh.content);
  if (focused && !focused.isConnected) {
    const next = following?.isConnected ? following : element.querySelector("li[data-key]");
    (next?.querySelector("a") ?? document.getElementById("content")).focus();
  }
  setClock();
  countDown();
  next();
}

function merge(old, fresh) {
  const known = new Map(Array.from(old.children, (child) => [child.dataset.key, child]));
  let place = old.firstElementChild;
  for (const child of Array.from(fresh.children)) {
    const kept = known.get(child.dataset.key);
    known.delete(child.dataset.key);
    if (!kept) {
      old.insertBefore(child, place);
      continue;
    }
    if (kept.matches("ol")) {
      merge(kept, child);
    } else if (!kept.matches("li") && kept.innerHTML !== child.innerHTML) {
      kept.innerHTML = child.innerHTML;
      if (child.dataset.now) kept.dataset.now = child.dataset.now;
    }
    if (kept === place) place = place.nextElementSibling;
    else old.insertBefore(kept, place);
  }
  for (const gone of known.values()) gone.remove();
}

/** Marks links that were opened, and offers the next one. */
function next() {
  const bar = document.getElementById("next-bar");
  if (!bar) return;
  const links = Array.from(document.querySelectorAll("a[data-otp]"));
  const first = links.find((link) => !link.closest("li").classList.contains("is-opened"));
  bar.hidden = !first || links.length < 2;
  if (!first) return;
  const button = bar.querySelector("a");
  button.href = first.href;
  button.dataset.row = first.closest("li").id;
  button.textContent = button.dataset.words.replace("{reference}", first.dataset.otp);
}

function opened(item) {
  item.classList.add("is-opened");
  const note = item.querySelector(".opened");
  if (note) note.hidden = false;
  next();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-otp], #next-bar a");
  if (!link) return;
  const item = link.dataset.row ? document.getElementById(link.dataset.row) : link.closest("li");
  // After the browser has followed the link.
  if (item) setTimeout(() => opened(item));
});

/** Watches a batch, as long as somebody looks at the page. */
function watch(tabs) {
  const offline = document.getElementById("offline");
  let events;
  const open = () => {
    events = new EventSource(tabs.dataset.events);
    events.onopen = () => (offline.hidden = true);
    events.onmessage = (event) => {
      for (const [id, html] of Object.entries(JSON.parse(event.data))) {
        const element = document.getElementById(id);
        if (element) put(element, html);
      }
    };
    events.onerror = () => {
      // A connection that ended by itself is opened again at once.
      setTimeout(() => (offline.hidden = events.readyState === EventSource.OPEN), 5000);
      if (events.readyState === EventSource.CLOSED) setTimeout(open, 5000);
    };
  };
  open();
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => event.persisted && open());
}

/** Fetches the chart anew now and then. */
function refresh(chart) {
  setInterval(async () => {
    const open = chart.querySelector("details")?.open;
    if (document.hidden || open) return;
    const answer = await fetch(chart.dataset.refresh).catch(() => null);
    if (!answer?.ok) return;
    const html = await answer.text();
    if (html !== chart.dataset.html) put(chart, html);
    chart.dataset.html = html;
  }, 5000);
}

/** A form that takes a while says so, and is sent once. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  const button = form.querySelector("button");
  if (form.dataset.busy) {
    button.textContent = form.dataset.busy;
    button.setAttribute("aria-busy", "true");
  }
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

localTimes(document);
setClock();
countDown();
next();
setInterval(countDown, 1000);
const tabs = document.querySelector("[data-events]");
if (tabs) {
  // On a phone the parts of a batch stand in one line that is longer than the screen.
  const current = tabs.querySelector("[aria-current]");
  if (current) tabs.scrollLeft = current.offsetLeft - tabs.clientWidth / 3;
  watch(tabs);
}
const chart = document.querySelector("[data-refresh]");
if (chart) refresh(chart);
