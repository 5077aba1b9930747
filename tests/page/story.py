"""The page as a person uses it, in Chromium. Arguments: address, token, browser, folder, pictures."""

import re
import sys
import zipfile
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import expect, sync_playwright

ADDRESS, TOKEN, BROWSER, FOLDER, PICTURES = sys.argv[1:]
FOLDER, PICTURES = Path(FOLDER), Path(PICTURES)
PICTURES.mkdir(parents=True, exist_ok=True)
AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
RUN_AXE = AXE + """;axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(
  v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 200)).join(' | ')))"""
# What takes a dev build long: an execution is a process of its own.
SLOW = 60_000


def look(page):
    """No page shuts anybody out, in light or dark, wide or narrow."""
    for scheme, width in [("light", 1280), ("dark", 1280), ("light", 360)]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        violations = page.evaluate(RUN_AXE)
        assert not violations, f"{page.url} {scheme} {width}: {violations}"
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{page.url} needs {needed} of {width} pixels"
    page.set_viewport_size({"width": 1280, "height": 900})


def start(page, connector, file, mode):
    page.goto(f"{ADDRESS}/connectors/{connector}")
    page.get_by_role("link", name="Start a run").click()
    page.get_by_label("Files").set_input_files(FOLDER / file)
    page.get_by_label(mode).check()
    look(page)
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(f"{ADDRESS}/executions/" + page.url.rsplit("/", 1)[-1])
    return page.url


def picture(page, name):
    page.screenshot(path=PICTURES / f"{name}.png", full_page=name != "decisions")


def story(page):
    page.goto(ADDRESS)
    look(page)
    page.get_by_label("Token").fill("sconn_wrong")
    page.get_by_label("Token").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")

    row = page.get_by_role("row", name="Shop & more")
    expect(row).to_contain_text("Setup in Progress")
    look(page)

    # A dry run, and what it decided.
    dry = start(page, "shop", "bad.csv", "Dry run")
    expect(page.locator(".head .badge")).to_have_text("completed with errors", timeout=SLOW)
    expect(page.get_by_role("heading", name="Why rows or fields were left out")).to_be_visible(timeout=SLOW)
    look(page)
    page.get_by_role("link", name="Decisions", exact=True).click()
    expect(page.locator("table.decisions > tbody > tr")).to_have_count(3)
    page.get_by_label("Outcome").select_option("errored")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.decisions > tbody > tr")).to_have_count(1)
    expect(page.locator("table.decisions")).to_contain_text("bad.csv:3")
    page.get_by_label("Outcome").select_option("created")
    page.get_by_label("Text").fill("NEW")
    page.get_by_label("Text").press("Enter")
    expect(page.locator("table.decisions > tbody > tr")).to_have_count(1)
    page.locator("table.decisions summary").click()
    expect(page.locator(".rules")).to_contain_text("rule 1 asked for sku = new, found 0 (none): create new")
    look(page)

    # What is handed in before it is active waits; switching it on asks what becomes of that.
    waits = start(page, "shop", "good.csv", "Live run")
    expect(page.locator(".head .badge")).to_have_text("queued")
    page.goto(f"{ADDRESS}/connectors/shop")
    look(page)
    page.get_by_role("switch", name="Active").click()
    expect(page.locator("legend")).to_contain_text("1 execution would begin or go on at once")
    look(page)
    page.get_by_label("good.csv").check()
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_role("switch", name="Active")).to_be_checked()
    expect(page.locator(".head .badge")).to_have_text("Operational")
    page.goto(waits)
    expect(page.locator(".head .badge")).to_have_text("cancelled")

    # A live run that moves, and is cancelled in the middle.
    long = start(page, "shop", "long.csv", "Live run")
    expect(page.locator(".head .stage")).to_contain_text("loading items", timeout=SLOW)
    expect(page.locator(".head progress")).to_be_visible()
    page.goto(f"{ADDRESS}/connectors/shop/executions")
    look(page)
    expect(page.locator("tbody tr").first).to_contain_text("%", timeout=SLOW)
    menu = page.locator("tbody tr").first.locator("details.menu summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Download SQL output (ZIP)")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Download SQL output (ZIP)")).not_to_be_visible()
    page.keyboard.press("Enter")
    cancel = page.locator("tbody tr").first.get_by_role("button", name="Cancel")
    cancel.focus()
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").first).to_contain_text(re.compile("stopping|cancelled"))
    page.goto(long)
    expect(page.locator(".head .badge")).to_have_text("cancelled", timeout=SLOW)
    expect(page.locator(".notice")).to_contain_text("What was committed before stays")
    look(page)

    # The report, from the menu of the list; a filter finds the dry run.
    page.goto(f"{ADDRESS}/connectors/shop/executions")
    page.get_by_label("Mode").select_option("dry run")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("details.menu summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download report (XLSX)").click()
    assert download.value.suggested_filename == dry.rsplit("/", 1)[-1] + "-report.xlsx"
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download SQL output (ZIP)").click()
    assert download.value.suggested_filename == dry.rsplit("/", 1)[-1] + "-sql-output.zip"
    with zipfile.ZipFile(download.value.path()) as csvs:
        assert csvs.testzip() is None and csvs.namelist() == ["items.csv"], csvs.namelist()
        assert csvs.read("items.csv").decode() == "sku,price\na,5\n,2\nnew,x\n"
    page.get_by_role("link", name="Run again").click()
    expect(page.locator("form.stack")).to_contain_text("bad.csv")
    look(page)

    # A connector with more to draw.
    fleet = start(page, "fleet", "fleet/samples/fleet.zip", "Dry run")
    expect(page.locator(".head .badge")).to_have_text("completed", timeout=SLOW)
    page.goto(f"{ADDRESS}/connectors/fleet")
    expect(page.locator("svg.flow .load")).to_have_count(4)
    look(page)
    page.emulate_media(color_scheme="light")
    picture(page, "connector")
    page.goto(f"{fleet}/decisions?step=planes")
    expect(page.locator("table.decisions > tbody > tr")).to_have_count(50)
    page.get_by_role("link", name="Next").first.click()
    expect(page.locator("table.decisions > tbody > tr th").first).to_contain_text("51")
    expect(page.locator(".pager").first).to_contain_text("rows 51 to 100 of 3,322")
    page.get_by_role("link", name="Next").first.click()
    page.get_by_role("link", name="Previous").first.click()
    expect(page.locator(".pager").first).to_contain_text("rows 51 to 100 of 3,322")
    page.locator("table.decisions summary").first.click()
    look(page)
    page.emulate_media(color_scheme="dark")
    picture(page, "decisions")

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(dry)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
    context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
    story(page)
    assert not wrong, wrong
    browser.close()
print("the end")
