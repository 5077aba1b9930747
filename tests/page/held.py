"""What a reader holds stays theirs while a page changes under it: a menu, a focus, a tick."""

import sys
import urllib.request

from playwright.sync_api import expect, sync_playwright

ADDRESS, TOKEN, BROWSER, FOLDER = sys.argv[1:]
FOCUSED = "document.activeElement.textContent"


def log_in(page):
    page.goto(ADDRESS)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    expect(page.get_by_role("heading", name="Connectors")).to_be_visible()


def start(page):
    page.goto(f"{ADDRESS}/connectors/shop/start")
    page.get_by_label("Files").set_input_files(f"{FOLDER}/good.csv")
    page.get_by_label("Live run").check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".head .badge")).to_have_text("queued")


def menus(page, other, home):
    page.goto(f"{ADDRESS}/connectors/shop/executions")
    expect(page.locator("main")).to_contain_text("No executions yet")
    home.goto(ADDRESS)
    row = home.get_by_role("row", name="Shop & more")
    expect(row).to_contain_text("none yet")
    start(other)
    # Pages that were opened while nothing went on see what begins elsewhere.
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(row).to_contain_text("queued")

    menu = page.locator("tbody tr").first.locator("details.menu")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Show").focus()
    start(other)
    expect(page.locator("tbody tr")).to_have_count(2)
    held = page.locator("tbody tr").last.locator("details.menu")
    assert held.evaluate("menu => menu.open"), "another run appeared, and the menu closed"
    assert page.evaluate(FOCUSED) == "Show", page.evaluate(FOCUSED)
    page.keyboard.press("Shift+Tab")
    assert held.evaluate("menu => menu.open")
    held.locator("summary").focus()
    page.keyboard.press("Shift+Tab")
    assert not held.evaluate("menu => menu.open"), "whoever goes on leaves the menu"


def ticks(page):
    def sent(body):
        urllib.request.urlopen(urllib.request.Request(f"{ADDRESS}/hooks/orders", data=body, method="POST"))

    sent(b"first")
    page.goto(f"{ADDRESS}/connectors/orders/events")
    page.locator("input[name=event]").check()
    first = page.locator("input[name=event]").get_attribute("value")
    sent(b"second")
    expect(page.locator("input[name=event]")).to_have_count(2)
    ticked = page.evaluate("[...document.querySelectorAll('input[name=event]:checked')].map(e => e.value)")
    assert ticked == [first], (ticked, first)


def away(page):
    page.goto(f"{ADDRESS}/connectors/shop/executions")
    expect(page.get_by_role("status")).to_be_empty()
    page.route("**/executions", lambda r: r.abort() if r.request.headers.get("x-poll") else r.continue_())
    expect(page.get_by_role("status")).to_contain_text("The service does not answer")
    page.unroute("**/executions")
    expect(page.get_by_role("status")).to_be_empty()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
    context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    pages = [context.new_page() for _ in range(3)]
    wrong = []
    for each in pages:
        each.on("pageerror", lambda e: wrong.append(str(e)))
    log_in(pages[0])
    menus(*pages)
    ticks(pages[0])
    away(pages[0])
    assert not wrong, wrong
    browser.close()
print("the end")
