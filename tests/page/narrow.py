"""Long words, long values, texts from right to left: in narrow windows, on paper, in forced colours."""

import sys

from playwright.sync_api import expect, sync_playwright

ADDRESS, TOKEN, BROWSER, FOLDER, EXECUTION, RUNNING = sys.argv[1:]
# Whether a text that runs from right to left turns before and after around.
ORDER = """() => [...document.querySelectorAll("ul.changes li:has(del):has(ins)")].map((li) =>
  li.querySelector("del").getBoundingClientRect().left < li.querySelector("ins").getBoundingClientRect().left)"""
# How many lines the type of a parameter takes.
LINES = """() => {
  const text = document.createRange();
  text.selectNodeContents(document.querySelector(".parameters td"));
  return text.getClientRects().length;
}"""
TABS = "[...document.querySelectorAll('.tabs a')].map(a => getComputedStyle(a).borderBottomColor)"
PATHS = ["", "/connectors/lang", "/connectors/lang/executions", "/connectors/lang/start",
         f"/executions/{EXECUTION}", f"/executions/{EXECUTION}/decisions"]


def fits(page):
    for width in (360, 640, 800, 1000):
        page.set_viewport_size({"width": width, "height": 900})
        for path in PATHS:
            page.goto(ADDRESS + path)
            page.evaluate("document.querySelectorAll('.decisions details').forEach(d => { d.open = true })")
            needed = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            assert needed[0] <= needed[1], f"{path} needs {needed[0]} of {width} pixels"
            if path == "/connectors/lang":
                assert page.evaluate(LINES) == 1, "a type is one word"
    page.set_viewport_size({"width": 1280, "height": 900})


def looks(page):
    page.goto(f"{ADDRESS}/executions/{EXECUTION}/decisions")
    order = page.evaluate(ORDER)
    assert order and all(order), order
    page.emulate_media(forced_colors="active")
    colours = page.evaluate(TABS)
    assert len(set(colours)) == 2, colours
    page.emulate_media(forced_colors="none", media="print")
    expect(page.locator(".tabs")).to_be_hidden()
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.locator("table.decisions")).to_be_visible()
    page.emulate_media(media="screen")
    page.goto(f"{ADDRESS}/executions/{RUNNING}")
    bar = page.locator(".head progress:indeterminate")
    expect(bar).to_be_visible()
    assert "gradient" in bar.evaluate("bar => getComputedStyle(bar).backgroundImage")


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
    context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(ADDRESS)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    expect(page.get_by_role("heading", name="Connectors")).to_be_visible()
    fits(page)
    looks(page)
    browser.close()
print("the end")
