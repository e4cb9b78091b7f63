"""How a page looks and reads: the one check that tests in a browser make of each page that they come to."""

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page, expect

RUN_AXE = "axe.run({resultTypes: ['violations']}).then(({violations}) => ({violations}))"
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def check(page: Page) -> None:
    """Nothing to scroll sideways, nothing that axe minds. After a click, the page that it led to is waited for."""
    settled(page)
    assert not page.evaluate(OVERFLOWS), "the page is wider than the window"
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = AxeResults(page.evaluate(RUN_AXE))
    assert results.violations_count == 0, results.generate_report()


def settled(page: Page) -> None:
    """Wait for the document that is on its way: while one page gives way to the next there is none to ask."""
    page.wait_for_load_state()
    expect(page.locator("main")).to_be_visible()
    page.wait_for_function("document.readyState === 'complete' && document.documentElement !== null")
