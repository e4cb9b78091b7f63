"""Somebody who has a keyboard and nothing else, and sees where the focus is."""

from typing import Any

from playwright.sync_api import ElementHandle, Locator, Page, expect

from tests.browser.looks import OVERFLOWS, settled

SEEN = """wanted => {
  const at = document.activeElement;
  if (!at || at === document.body) return {out: true, ring: true, inside: true};
  // A box that is drawn over by its label shows the focus there (.pick).
  const shown = at.matches('.pick input') ? at.nextElementSibling : at;
  // The parts of such a field, and the button in it, show the focus themselves: no style of ours tells.
  const parts = at.matches('[type=date], [type=time], [type=datetime-local]');
  const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
  return {
    what: at.outerHTML.slice(0, 120), there: at === wanted, out: at.matches('.skip'),
    place: (window.usable || []).indexOf(at),
    ring: parts || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none',
    inside: box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
  };
}"""
USABLE = """() => {
  // Everything that the mouse could use, in the order of the page; of a group of radio buttons the one Tab leads to.
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter(
    at => !at.disabled && at.tabIndex >= 0 && at.type !== 'hidden' && at.checkVisibility({visibilityProperty: true}));
  const group = at => all.filter(one => one.type === 'radio' && one.name === at.name && one.form === at.form);
  const led = at => at.type !== 'radio' || at === (group(at).find(one => one.checked) || group(at)[0]);
  window.usable = all.filter(led);
  return window.usable.map(at => at.outerHTML.slice(0, 120));
}"""
MOST = 120
"""So many times Tab leads through the longest page of these tests, and round again."""


def begin(page: Page) -> None:
    """Nothing scrolls smoothly, so that what has the focus is in the window at once."""
    page.emulate_media(reduced_motion="reduce")


def step(page: Page, wanted: ElementHandle | None = None) -> dict[str, Any]:
    """One press of Tab: whatever has the focus then shows it, and lies in the window. `there`: it is the wanted one;
    `out`: Tab led out of the page, or to its first link."""
    page.keyboard.press("Tab")
    seen: dict[str, Any] = page.evaluate(SEEN, wanted)
    assert (seen["ring"], seen["inside"]) == (True, True), f"the focus isn't to be seen: {seen}"
    return seen


def reach(page: Page, wanted: Locator) -> None:
    """Tab until that has the focus."""
    expect(wanted).to_be_visible()
    there = wanted.element_handle()
    if page.evaluate(SEEN, there).get("there"):
        return
    for _ in range(MOST):
        if step(page, there).get("there"):
            return
    raise AssertionError(f"Tab doesn't lead to {wanted}")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Tab there, and press a key."""
    reach(page, wanted)
    page.keyboard.press(key)


def write(page: Page, wanted: Locator, text: str) -> None:
    """Tab to a field, and type in place of what it holds."""
    reach(page, wanted)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def no_trap(page: Page) -> None:
    """From the top of the page Tab leads past everything and out of the page again."""
    settled(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(MOST):
        if step(page)["out"]:
            return
    raise AssertionError("Tab doesn't lead out of the page")


def everything(page: Page) -> None:
    """Tab leads to everything that can be used, in the order of the page, and out again."""
    settled(page)
    usable = page.evaluate(USABLE)
    page.evaluate("document.activeElement.blur()")
    places = [step(page)["place"]]
    while not (seen := step(page))["out"]:
        places.append(seen["place"])
        assert len(places) <= MOST, "Tab doesn't lead out of the page"
    # Tab stays within a field that has parts.
    order = [place for place, earlier in zip(places, [-1, *places], strict=False) if place != earlier]
    assert order == sorted(order), [usable[place] for place in order]
    assert set(range(len(usable))) - set(order) == set(), [usable[p] for p in range(len(usable)) if p not in order]


def folds(page: Page) -> None:
    """Whatever is folded opens by Enter and closes by Space, and opened it makes the page no wider."""
    for fold in page.locator("details:visible").all():
        was, summary = fold.get_attribute("open"), fold.locator("> summary")
        for key in ("Enter", "Space"):
            summary.press(key)
            assert not page.evaluate(OVERFLOWS), f"the page is wider than the window by {summary.inner_text()}"
        assert fold.get_attribute("open") == was
        summary.press("Enter")
        assert fold.get_attribute("open") != was, f"it doesn't open by key: {summary.inner_text()}"
        summary.press("Enter")
