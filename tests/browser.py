#!/usr/bin/env python3
"""Opens reports in headless Chromium: the file by double-click, and the live page of a growing experiment.

usage: python3 tests/browser.py RUNNER RESULTS_DIR [PICTURES_DIR]

RESULTS_DIR is results/<name> of a finished experiment with a sweep; it is copied. With PICTURES_DIR, pictures of the
pages are left there. Needs selenium, polars, and Chromium with its driver (/usr/bin/chromium, /usr/bin/chromedriver).
Ends with 1 and a message at the first thing that is not as it should be.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from checks import expect

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TABLES = {"metrics.parquet", "runs.parquet"}


def browser(profile, javascript=True):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in [*FLAGS, f"--user-data-dir={profile}", "--window-size=1100,900"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


def check_quiet(page, allowed):
    """No console message, and no request but to the page's own place."""
    messages = page.get_log("browser")
    expect(not messages, f"the console says {messages}")
    for entry in page.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        # The browser's own first page has asked for its parts, too.
        if event["method"] == "Network.requestWillBeSent" and not event["params"]["documentURL"].startswith("chrome:"):
            url = event["params"]["request"]["url"]
            expect(url.startswith((*allowed, "data:")), f"the page asks for {url}")


def texts(page, column):
    cells = page.find_elements(By.CSS_SELECTOR, f"#comparison tbody td:nth-child({column})")
    return [cell.text for cell in cells]


def check_sorting(page):
    titles = page.find_elements(By.CSS_SELECTOR, "#comparison th button")
    place = next(i for i, title in enumerate(titles, 1) if title.text.startswith("val_accuracy"))
    numbers = lambda: [float(text.split(" ")[0]) for text in texts(page, place)]
    best_first = numbers()
    expect(best_first == sorted(best_first, reverse=True), f"the best is not first: {best_first}")
    titles[place - 1].click()
    expect(numbers() == best_first[::-1], f"a click does not sort: {numbers()}")
    title = page.find_elements(By.CSS_SELECTOR, "#comparison th")[place - 1]
    expect(title.get_attribute("aria-sort") == "ascending", "the sorted column is not announced")
    titles[place - 1].send_keys(Keys.ENTER)
    expect(numbers() == best_first, "the Enter key does not sort")


def check_hovering(page, run):
    tip = page.find_element(By.ID, "tip")
    for mark in page.find_elements(By.CSS_SELECTOR, "#charts .mark[data-tip]"):
        if run in mark.get_attribute("data-tip"):
            page.execute_script("arguments[0].scrollIntoView({block: 'center'})", mark)
            ActionChains(page).move_to_element(mark).perform()
            expect(tip.is_displayed() and tip.text, "hovering shows nothing")
            return
    expect(False, f"no mark is of {run}")


def emulate(page, width, height, mobile):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 2 if mobile else 1, "mobile": mobile},
    )


# The smallest text of the charts that are shown, in pixels of the screen, and which it is.
SMALLEST_TEXT = """
  const texts = [...document.querySelectorAll("figure svg text")].filter((text) => text.getClientRects().length > 0);
  const size = (text) => parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a;
  const sizes = texts.map((text) => [size(text), text.textContent]);
  return sizes.reduce((least, size) => size[0] < least[0] ? size : least, [Infinity, "no text"]);
"""
# What is cut off or can be scrolled, which paper cannot.
CUT_OFF = """
  const boxes = [...document.querySelectorAll(".scroll, section, main")].filter((box) => box.clientWidth > 0);
  const isCut = (box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  return boxes.filter(isCut).map((box) => box.id || box.getAttribute("aria-label") || box.tagName);
"""
# Where the first cells of the ranked table's first row are.
FIRST_CELLS = """
  return [...document.querySelectorAll("#ranking tbody tr:first-child td")].slice(0, 3)
    .map((cell) => Math.round(cell.getBoundingClientRect().left));
"""


def check_phone(page):
    for width in (360, 390):
        emulate(page, width, 740, mobile=True)
        found = page.execute_script("return document.documentElement.scrollWidth")
        expect(found <= width, f"at {width} pixels the page is {found} pixels wide")
        size = page.execute_script("return parseFloat(getComputedStyle(document.body).fontSize)")
        expect(size >= 16, f"text on a phone is {size} pixels")
        size, text = page.execute_script(SMALLEST_TEXT)
        expect(9 <= size < 40, f"at {width} pixels a chart's text is {size} pixels: {text}")
    before = page.execute_script(FIRST_CELLS)
    page.execute_script("document.querySelector('#ranking').parentElement.scrollLeft = 500")
    after = page.execute_script(FIRST_CELLS)
    expect(after[:2] == before[:2] and after[2] < before[2], f"the first columns moved from {before} to {after}")
    page.execute_script("document.querySelector('#ranking').parentElement.scrollLeft = 0")


def check_dark(page):
    """Colours that stand for amounts are those of their legend, on light and on dark pages."""
    tiles = "return [...document.querySelectorAll('.swatch rect')].map((tile) => getComputedStyle(tile).fill)"
    light = page.execute_script(tiles)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    expect(light and page.execute_script(tiles) == light, "in the dark, a legend has other colours")
    text = page.find_element(By.TAG_NAME, "main").text
    expect("darker" not in text and "lighter" not in text, "a legend speaks of dark and light")
    ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    expect(ground == "rgb(22, 24, 28)", f"the dark page is {ground}")


def check_print(page):
    """On paper every section is there, and nothing is cut off."""
    emulate(page, 718, 1000, mobile=False)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = [section.get_attribute("id") for section in page.find_elements(By.TAG_NAME, "section") if not section.text]
    expect(not hidden, f"not on paper: {hidden}")
    for part in ["#predictions figure", "#ranking tr", "#all-runs tr", "#spec pre", "#charts .plot > svg", "#mistakes img"]:
        shown = [element.is_displayed() for element in page.find_elements(By.CSS_SELECTOR, part)]
        expect(shown and all(shown), f"not on paper: {part}")
    cut = page.execute_script(CUT_OFF)
    expect(not cut, f"cut off on paper: {cut}")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def check_pictures(page):
    """Pictures of mistakes have the shape of their files."""
    shapes = page.execute_script(
        "return [...document.querySelectorAll('#mistakes img')].map((image) => [image.naturalWidth / image.naturalHeight,"
        " image.getAttribute('width') / image.getAttribute('height')])"
    )
    expect(all(abs(a - b) < 0.01 for a, b in shapes), f"pictures are distorted: {shapes}")


def check_choice(page):
    """Of charts that stand for one another, the chosen one is shown."""
    inputs = page.find_elements(By.CSS_SELECTOR, ".choice input")
    figures = page.find_elements(By.CSS_SELECTOR, ".choice > figure")
    expect(len(inputs) == len(figures) == 3, f"there are {len(figures)} confusion matrices, {len(inputs)} to choose")
    for place in (0, 1, 2, 0):
        inputs[place].click()
        shown = [figure.is_displayed() for figure in figures]
        expect(shown == [other == place for other in range(3)], f"after the choice of {place}, these are shown: {shown}")


def check_names(page):
    """What a screen reader needs: a language, one first heading, a name for every picture and table."""
    expect(page.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en", "the page has no language")
    expect(len(page.find_elements(By.TAG_NAME, "h1")) == 1, "the page has not one first heading")
    for picture in page.find_elements(By.CSS_SELECTOR, "svg:not([aria-hidden])"):
        expect(picture.get_attribute("role") == "img" and picture.get_attribute("aria-label"), "a chart has no name")
    for picture in page.find_elements(By.CSS_SELECTOR, "img"):
        expect(picture.get_attribute("alt"), "an image has no text")
    for table in page.find_elements(By.CSS_SELECTOR, "table"):
        expect(table.find_elements(By.TAG_NAME, "caption"), "a table has no caption")


def picture(page, folder, name):
    if folder:
        height = page.execute_script("return document.documentElement.scrollHeight")
        width = page.execute_script("return innerWidth")
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": min(height, 12000), "deviceScaleFactor": 1, "mobile": False},
        )
        page.save_screenshot(str(Path(folder) / f"{name}.png"))
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def check_file(page, folder, pictures):
    runs = pl.read_parquet(folder / "runs.parquet")
    page.get((folder / "report.html").resolve().as_uri())
    best = page.find_element(By.CSS_SELECTOR, "#answer strong").text
    expect(best and "best by validation accuracy" in page.find_element(By.ID, "answer").text, "there is no answer")
    rows = len(page.find_elements(By.CSS_SELECTOR, "#runs tbody tr"))
    expect(rows == runs.height, f"{rows} runs are shown, not {runs.height}")
    for part in ["#charts svg", "#predictions svg", "#mistakes img", "#spec pre", "#origin dd"]:
        expect(page.find_elements(By.CSS_SELECTOR, part), f"the page has no {part}")
    check_names(page)
    check_choice(page)
    check_sorting(page)
    check_hovering(page, runs["run"][0])
    picture(page, pictures, "report")
    check_pictures(page)
    check_dark(page)
    picture(page, pictures, "dark")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    check_phone(page)
    if pictures:
        picture(page, pictures, "phone")
    check_print(page)
    check_quiet(page, ["file:"])


def check_without_javascript(page, folder):
    page.get((folder / "report.html").resolve().as_uri())
    expect(page.find_element(By.CSS_SELECTOR, "#answer strong").text, "without JavaScript there is no answer")
    expect(page.find_elements(By.CSS_SELECTOR, "#charts svg"), "without JavaScript there is no chart")
    # The driver's own scripts run either way; the page's would have made buttons.
    expect(not page.find_elements(By.CSS_SELECTOR, "th button"), "JavaScript is not off")


def check_live(page, runner, folder):
    """Rows come into the tables while the page is open."""
    tables = {name: pl.read_parquet(folder / name) for name in TABLES}
    format_ = {"runner.format": pl.read_parquet_metadata(folder / "runs.parquet")["runner.format"]}
    runs = tables["runs.parquet"]["run"].to_list()

    # The runs' folders are the truth: those of the others lie elsewhere meanwhile.
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)

    def keep(count):
        for place, run in enumerate(runs):
            here, there = folder / "runs" / run, elsewhere / run
            if place < count and there.exists():
                there.rename(here)
            elif place >= count and here.exists():
                here.rename(there)
        for name, table in tables.items():
            part = table.filter(pl.col("run").is_in(runs[:count]))
            part.write_parquet(folder / "next.tmp", metadata=format_)
            (folder / "next.tmp").replace(folder / name)

    keep(2)
    watch = subprocess.Popen([runner, "watch", str(folder), "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        address = watch.stdout.readline().split(" ")[0]
        expect(address.startswith("http://127.0.0.1:"), f"watch says {address}")
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.get(address)
        shown = lambda: len(page.find_elements(By.CSS_SELECTOR, "#runs tbody tr"))
        expect(shown() == 2, f"the live page shows {shown()} runs, not 2")
        keep(len(runs))
        WebDriverWait(page, 30, ignored_exceptions=()).until(lambda _: shown() == len(runs))
        check_sorting(page)
        check_quiet(page, [address])
    finally:
        watch.terminate()
        watch.wait()


def main(arguments):
    expect(len(arguments) in (2, 3), __doc__)
    runner, results = arguments[0], Path(arguments[1])
    pictures = arguments[2] if len(arguments) == 3 else None
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / results.name
        shutil.copytree(results, folder)
        page = browser(f"{work}/profile")
        try:
            check_file(page, folder, pictures)
            check_live(page, str(Path(runner).resolve()), folder)
        finally:
            page.quit()
        page = browser(f"{work}/plain", javascript=False)
        try:
            check_without_javascript(page, folder)
        finally:
            page.quit()
    print(f"{results}: report and live page good in Chromium")


if __name__ == "__main__":
    main(sys.argv[1:])
