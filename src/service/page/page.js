// Keeps up to date what runs, closes menus, tells times in the reader's own zone. Everything else is the
// server's; without this script a page is as useful, once it is loaded again.
"use strict";

const EVERY = 1000;

/** Whether somebody is in the middle of something that loading the page again would take away. */
function busy() {
  const at = document.activeElement;
  const typing = at && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
  return typing || document.querySelector("details[open]");
}

function times(root) {
  const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!time.title && !Number.isNaN(at.getTime())) {
      time.title = time.textContent;
      time.textContent = words.format(at);
    }
  }
}

/** What has not changed is not read out again. */
function show(part, text) {
  if (part.dataset.seen === text) return;
  part.dataset.seen = text;
  part.innerHTML = text;
}

/** The service tells how far it is. Where it cannot, and while nobody looks, it is asked again and again:
 * browsers have few connections to one place for all their tabs together. */
function listen(part) {
  const source = new EventSource(part.dataset.stream);
  const over = new AbortController();
  const once = { signal: over.signal };
  const stop = () => {
    over.abort();
    source.close();
  };
  const ask = () => {
    stop();
    setTimeout(follow, EVERY, part);
  };
  source.addEventListener("progress", (event) => show(part, event.data));
  source.addEventListener("ended", (event) => {
    stop();
    show(part, event.data);
    ended(part);
  });
  source.addEventListener("error", ask, once);
  document.addEventListener("visibilitychange", () => document.hidden && ask(), once);
}

async function follow(part) {
  try {
    const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
    if (answer.redirected || answer.status === 404) return location.reload();
    if (answer.ok) {
      show(part, (await answer.text()).trim());
      if (answer.headers.get("x-ended") === "yes") return ended(part);
    }
  } catch {
    // The service is away for a moment; the next turn asks again.
  }
  setTimeout(follow, EVERY, part);
}

/** It has ended: there is more to see now. */
function ended(part) {
  if (!busy()) return location.reload();
  const again = document.createElement("a");
  again.href = location.href;
  again.textContent = "show what it did";
  part.append(" ", again);
}

for (const part of document.querySelectorAll("[data-live]")) {
  if (part.dataset.stream && !document.hidden) listen(part);
  else setTimeout(follow, EVERY, part);
}
times(document);

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
