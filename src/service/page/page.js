// Keeps up to date what runs, closes menus, tells times in the reader's own zone. Everything else is the
// server's; without this script a page is as useful, once it is loaded again.
"use strict";

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

/** What tells an element from others of its kind: its id, where it leads, of lines where their first link or form
 * leads, or how it looks. */
function key(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  if (node.id) return node.id;
  const line = node.nodeName === "LI" || node.nodeName === "TR";
  const leads = line ? node.querySelector("a, form") : node;
  const to = leads?.getAttribute("href") ?? leads?.getAttribute("action");
  return to ?? (line ? "" : node.getAttribute("class") ?? "");
}

/** Makes an element what it is by now. What has not changed stays: an open menu, what was typed, where the
 * reader is. */
function renew(old, now) {
  if (old.isEqualNode(now)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = now.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (name !== "open" && !now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const alike = (a, b) => a.nodeName === b.nodeName && key(a) === key(b);
  let at = old.firstChild;
  for (const child of [...now.childNodes]) {
    let same = at;
    // Texts are all alike: one further on would take the elements before it with it.
    if (child.nodeType === Node.ELEMENT_NODE) while (same && !alike(same, child)) same = same.nextSibling;
    else if (same && !alike(same, child)) same = null;
    if (!same) {
      old.insertBefore(child, at);
      continue;
    }
    while (at !== same) at = removed(at);
    at = same.nextSibling;
    renew(same, child);
  }
  while (at) at = removed(at);
}

/** Takes a node away; gives the one after it. */
function removed(node) {
  const next = node.nextSibling;
  // Nobody's place is lost without another: what opened the menu, or the page.
  if (node.contains(document.activeElement)) {
    const menu = node.parentElement?.closest("details.menu[open]");
    (menu?.querySelector("summary") ?? document.getElementById("main")).focus();
  }
  node.remove();
  return next;
}

/** Says that the service is away, once it was so twice, and no more when it is back. */
let failed = 0;
function away(now) {
  failed = now ? failed + 1 : 0;
  const said = failed > 1 ? "The service does not answer: what is shown may be out of date." : "";
  const line = document.getElementById("away");
  if (line && line.textContent !== said) line.textContent = said;
}

/** Asks for the page again as long as something on it goes on: one request, whatever it shows. */
async function follow() {
  const main = document.querySelector("main[data-every]");
  if (!main) return;
  await new Promise((soon) => setTimeout(soon, Number(main.dataset.every)));
  try {
    // A page that nobody looks at need not know.
    if (!document.hidden) {
      const answer = await fetch(location.href, { headers: { accept: "text/html", "x-poll": "1" } });
      if (answer.redirected || answer.status === 404) return location.reload();
      away(answer.status >= 500);
      if (answer.ok) {
        const now = new DOMParser().parseFromString(await answer.text(), "text/html");
        times(now);
        renew(main, now.getElementById("main"));
      }
    }
  } catch {
    // The next turn asks again.
    away(true);
  }
  follow();
}

times(document);
follow();

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  // Where the focus goes nowhere the reader is elsewhere for a moment, or pressed a mouse's button.
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
