"""The built documentation: each link has its target, and pages work in a browser that reaches no network.

``python -m sphinx -W docs build/docs`` builds what is tested here.
"""

import functools
import http.server
import json
import re
import shutil
import threading
import urllib.parse
from html.parser import HTMLParser

import pytest
from helpers import ROOT

import numbaexp
from numbaexp import autograd

SITE = ROOT / "build" / "docs"
WIDTHS, MODES = (1280, 390), ("light", "dark")
PAGES = (
    "index",
    "start",
    "tutorials/numpy",
    "reference/index",
    "reference/generated/numbaexp.softmax",
    "examples/rounding",
    "accuracy/onnx",
    "performance/report",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="the documentation is not built"),
]


class Page(HTMLParser):
    """Collect what a page refers to, what it loads, and the names of its anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note the attributes of a tag."""
        given = dict(attrs)
        self.anchors.update(given[name] for name in ("id", "name") if given.get(name))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(given["href"])
        elif given.get("src"):
            self.loaded.append(given["src"])


@functools.cache
def page_at(path):
    """Return the page in a file."""
    return Page(path.read_text())


def target_of(path, link):
    """Return the file that a link on a page names, and the anchor in the file."""
    parts = urllib.parse.urlsplit(link)
    name = urllib.parse.unquote(parts.path)
    return ((path.parent / name).resolve() if name else path), urllib.parse.unquote(parts.fragment)


def all_pages():
    """Return the files of all pages, without the theme's own files."""
    return sorted(path for path in SITE.resolve().rglob("*.html") if "_static" not in path.parts)


def is_external(link):
    """Return whether a link leaves the site."""
    return bool(urllib.parse.urlsplit(link).scheme or link.startswith("//"))


def test_local_links():
    assert len(all_pages()) > 100
    for path in all_pages():
        for link in (*page_at(path).links, *page_at(path).loaded):
            if is_external(link):
                continue
            target, anchor = target_of(path, link)
            assert target.is_file(), (path, link)
            # A page of search results gets its own by a script.
            if anchor and target.suffix == ".html":
                assert anchor in page_at(target).anchors, (path, link)


def test_external_links_are_addresses():
    for path in all_pages():
        for link in filter(is_external, page_at(path).links):
            assert re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/\S*)?", link) or link.startswith("mailto:"), (path, link)


def test_nothing_is_loaded_from_other_hosts():
    for path in all_pages():
        assert not [link for link in page_at(path).loaded if is_external(link) and not link.startswith("data:")], path


def test_each_public_name_has_its_page():
    names = [f"numbaexp.{name}" for name in numbaexp.__all__ if name != "autograd"]
    names += [f"numbaexp.autograd.{name}" for name in autograd.__all__]
    for name in names:
        page = SITE / "reference" / "generated" / f"{name}.html"
        text = page.read_text()
        assert name in page_at(page).anchors
        first_line = re.escape(functools.reduce(getattr, name.split(".")[1:], numbaexp).__doc__.split()[0])
        assert re.search(rf"<dd><p>{first_line}\b", text), name
    parameters = re.findall(r'class="sig-param">.*?class="n">.*?class="pre">(\w+)<', text_of("numbaexp.exp"))
    assert parameters[:3] == ["x", "out", "where"]


def text_of(name):
    """Return the page of a public name."""
    return (SITE / "reference" / "generated" / f"{name}.html").read_text()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files, and print nothing."""

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture(scope="module")
def origin():
    """The address of a server of the site."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, which notes its console and its requests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="it drives the browser")
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if not all(paths.values()):
        pytest.skip("no chromium with chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = paths["chromium"]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(paths["chromedriver"]))
    yield driver
    driver.quit()


def in_time(browser, condition):
    """Wait until a condition of the browser holds, and return its value."""
    support = pytest.importorskip("selenium.webdriver.support.ui")
    return support.WebDriverWait(browser, 20).until(condition)


def requests_of(browser):
    """Return the addresses that a browser has asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]


def assert_clean(browser, origin):
    """Assert that nothing was asked for elsewhere, and that the console has no errors."""
    asked = [url for url in requests_of(browser) if not url.startswith(("data:", "blob:", "chrome"))]
    assert any(url.startswith(origin) for url in asked)
    assert not [url for url in asked if not url.startswith(f"{origin}/")]
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_in_a_browser(browser, origin, width, mode):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
    for page in PAGES:
        browser.get(f"{origin}/{page}.html")
        in_time(browser, lambda driver: driver.execute_script("return document.documentElement.dataset.theme") == mode)
        # Of the window, and of the text, which the theme lets scroll in a box of its own.
        for wide, seen in browser.execute_script("""
            return [document.documentElement, document.querySelector(".bd-article-container")]
                .map((element) => [element.scrollWidth, element.clientWidth]);
        """):
            assert wide <= seen <= width, page
        # Pictures below the window may be loaded late.
        widths = browser.execute_async_script("""
            const done = arguments[0], images = [...document.images];
            images.forEach((image) => { image.loading = "eager"; });
            Promise.allSettled(images.map((image) => image.decode()))
                .then(() => done(images.map((image) => [image.src, image.naturalWidth])));
        """)
        assert all(natural > 0 for _, natural in widths), (page, widths)
        assert_clean(browser, origin)


def test_search(browser, origin):
    browser.get(f"{origin}/search.html?q=logsumexp")
    found = in_time(
        browser,
        lambda driver: [each.get_attribute("href") for each in driver.find_elements("css selector", "ul.search li a")],
    )
    assert any("numbaexp.logsumexp.html" in link for link in found)
    assert_clean(browser, origin)
