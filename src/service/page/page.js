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

async function follow(part) {
  try {
    const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" } });
    if (answer.redirected || answer.status === 404) return location.reload();
    if (answer.ok) {
      const text = (await answer.text()).trim();
      // What has not changed is not read out again.
      if (part.dataset.seen !== text) {
        part.dataset.seen = text;
        part.innerHTML = text;
      }
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

for (const part of document.querySelectorAll("[data-live]")) setTimeout(follow, EVERY, part);
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
