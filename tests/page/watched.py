"""What a person sees who watches: a page that keeps itself up to date, and a flow that can be read."""

import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ADDRESS, TOKEN, BROWSER, FOLDER = sys.argv[1:]
SLOW = 60_000
# Every text that is wider than its node, every title that another node has as well, and the scale.
FLOW = """() => {
  const boxes = [...document.querySelectorAll("svg.flow .node")].map((node) => ({
    box: node.querySelector("rect").getBoundingClientRect(),
    texts: [...node.querySelectorAll("text")],
  }));
  const out = boxes.flatMap(({ box, texts }) => texts.filter((text) => {
    const at = text.getBoundingClientRect();
    return at.left < box.left || at.right > box.right;
  })).map((text) => text.textContent);
  const titles = boxes.map(({ texts }) => texts[0].textContent);
  const flow = document.querySelector("svg.flow");
  return { out, titles, scale: flow.getBoundingClientRect().width / flow.viewBox.baseVal.width,
           page: document.documentElement.scrollWidth };
}"""


def log_in(page):
    page.goto(ADDRESS)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    expect(page.get_by_role("heading", name="Connectors")).to_be_visible()


def flow(page):
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{ADDRESS}/connectors/wide")
        seen = page.evaluate(FLOW)
        assert not seen["out"], seen["out"]
        assert len(seen["titles"]) == 47, seen["titles"]
        assert len(set(seen["titles"])) == 47, seen["titles"]
        assert seen["scale"] >= 0.85, seen["scale"]
        assert seen["page"] <= width, seen["page"]
    page.set_viewport_size({"width": 1280, "height": 900})


def queue(page, file):
    page.goto(f"{ADDRESS}/connectors/shop/start")
    page.get_by_label("Files").set_input_files(Path(FOLDER) / file)
    page.get_by_label("Live run").check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".head .badge")).to_have_text("queued")


def watch(page, other):
    for _ in range(2):
        queue(page, "long.csv")
    execution = page.url
    page.evaluate("window.mark = true")
    page.locator("details.menu summary").click()
    expect(page.get_by_role("link", name="Download input long.csv")).to_be_visible()
    expect(page.get_by_role("link", name="Download SQL output (ZIP)")).to_have_count(0)
    page.get_by_role("link", name="Download input long.csv").focus()

    # Elsewhere it is made to begin; the list asks once for all of its rows.
    asked = []
    other.on("request", lambda r: asked.append(r.url) if r.headers.get("x-poll") else None)
    other.goto(f"{ADDRESS}/connectors/shop")
    other.get_by_role("switch", name="Active").click()
    other.get_by_role("button", name="Activate", exact=True).click()
    expect(other.get_by_role("switch", name="Active")).to_be_checked()
    other.goto(f"{ADDRESS}/connectors/shop/executions")
    expect(other.locator("tbody tr .badge").filter(has_text="running")).to_have_count(1, timeout=SLOW)
    expect(other.locator("tbody tr")).to_have_count(2)
    other.locator("tbody tr").last.locator("details.menu summary").click()
    link = other.locator("tbody tr").last.get_by_role("link", name="Download SQL output (ZIP)")
    expect(link).to_be_visible(timeout=SLOW)
    assert asked and set(asked) == {f"{ADDRESS}/connectors/shop/executions"}, asked
    other.locator("tbody tr").last.get_by_role("button", name="Cancel").click()

    # The second one began then, under the reader's eyes, and under the open menu.
    link = page.get_by_role("link", name="Download SQL output (ZIP)")
    expect(link).to_be_visible(timeout=SLOW)
    assert page.evaluate("document.activeElement.textContent") == "Download input long.csv"
    link.focus()
    expect(page.locator("main")).to_contain_text("The SQL has run")
    assert page.evaluate("document.activeElement.textContent") == "Download SQL output (ZIP)"
    page.locator(".head > .acts > form").get_by_role("button", name="Cancel").click()
    expect(page.locator(".head .badge")).to_have_text("cancelled", timeout=SLOW)
    expect(page.get_by_role("heading", name="Stages")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("link", name="Download report", exact=True)).to_be_visible()
    expect(page.locator("main[data-every]")).to_have_count(0)


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
    context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page, other = context.new_page(), context.new_page()
    wrong = []
    for each in (page, other):
        each.on("pageerror", lambda e: wrong.append(str(e)))
    log_in(page)
    flow(page)
    watch(page, other)
    assert not wrong, wrong
    browser.close()
print("the end")
