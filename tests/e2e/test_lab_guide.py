"""What the lab page explains: its words, what the numbers say, and what went wrong."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import PHONE

pytestmark = pytest.mark.e2e


# --- words -----------------------------------------------------------------------------------------------------------


def test_every_word_is_explained_to_touch_and_keyboard(visitor: Visitor) -> None:
    page = visitor.open("/lab")
    page.click("#more-settings summary")
    words = page.locator(".term:visible")
    card = page.locator("#term")
    assert words.count() > 12
    for word in words.all():
        word.click()
        expect(card).to_be_visible()
        assert len(card.inner_text()) > 40
        page.keyboard.press("Escape")

    epochs, steps = (page.locator(f"label[for={name}] + .term") for name in ("epochs", "steps_per_epoch"))
    expect(epochs).to_have_accessible_name("What is meant by “Epoch”?")
    epochs.focus()
    page.keyboard.press("Enter")
    expect(card).to_be_focused()  # so it is read out
    expect(card).to_have_accessible_name("Epoch")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(epochs).to_be_focused()
    page.keyboard.press("Enter")
    steps.press("Enter")  # the other one takes its place
    expect(card).to_have_accessible_name("Step")
    expect(card).to_be_visible()

    phone = visitor.open("/lab", **PHONE)
    phone.locator("label[for=seed] + .term").tap()
    inside(phone, "#term")
    phone.locator("#title").tap()
    expect(phone.locator("#term")).to_be_hidden()


def inside(page: Page, selector: str) -> None:
    """Check that something lies within the window."""
    expect(page.locator(selector)).to_be_in_viewport(ratio=1)
