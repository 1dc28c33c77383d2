"""One browser a file that needs one; stopped after it, as its driver keeps an event loop in this thread."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.players import Elsewhere, another_origin


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with another_origin() as origin:
        yield origin
