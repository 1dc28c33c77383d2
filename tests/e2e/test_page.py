"""The playground in a real Chromium, against the whole service."""

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from model.evaluate.films import photographs
from tests.browser import Complaints, playing, until
from tests.service import running

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("page")) as (_, url):
        yield url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """On the playground; whatever its console complains of fails the test, but for requests that it cuts."""
    context = browser.new_context()
    page = context.new_page()
    complaints = Complaints(page)
    page.goto(url)
    yield page
    context.close()
    assert [said for said in complaints if "net::ERR_FAILED" not in said] == []


@pytest.fixture
def api(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def job_id(page: Page) -> str:
    until(page, "location.hash.length > 1")
    return page.evaluate("location.hash.slice(1)")


def finished(page: Page) -> None:
    expect(page.locator("#status")).to_have_text("Finished", timeout=120_000)


def make(page: Page, *, prompt: str = "the camera pans left", seconds: str = "3", seed: str = "1") -> str:
    page.fill("#prompt", prompt)
    page.fill("#seconds", seconds)
    page.fill("#seed", seed)
    page.get_by_role("button", name="Make the video").click()
    return job_id(page)


def test_one_click_and_it_plays_while_it_is_being_made(page: Page, api: httpx.Client) -> None:
    page.fill("#seconds", "16")
    page.locator("#examples button").first.click()
    job = job_id(page)
    seen = []
    while (record := api.get(f"/v1/jobs/{job}").json())["status"] in ("queued", "running"):
        seen.append(playing(page))
        page.wait_for_timeout(250)
    assert record["status"] == "succeeded", record
    seen = [sample for sample in seen if sample["ranges"]]
    at = [sample["at"] for sample in seen]
    buffered = [sample["ranges"][-1][1] for sample in seen]
    assert at == sorted(at)
    assert at[-1] > 2  # it played on while frames were still to come
    assert buffered == sorted(buffered)
    assert len(set(buffered)) >= 5
    assert all(len(sample["ranges"]) == 1 and sample["ranges"][0][0] == 0 for sample in seen)  # no hole
    finished(page)
    # The end is known now, and what was playing plays on.
    assert playing(page)["at"] >= at[-1]
    assert playing(page)["error"] is None
    page.evaluate("document.querySelector('video').currentTime = 15.5")
    until(page, "document.querySelector('video').ended")
    assert playing(page)["duration"] == pytest.approx(16, abs=0.001)


def test_finished_it_is_downloaded_found_again_and_deleted(page: Page, api: httpx.Client) -> None:
    job = make(page)
    finished(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == f"{job}.mp4"
    assert Path(download.value.path()).read_bytes() == api.get(f"/v1/videos/{job}/content").content
    page.reload()  # the address names the job
    finished(page)
    until(page, "document.querySelector('video').currentTime > 0.5")
    item = page.locator("#jobs button[aria-current=true]")
    expect(item.locator("span")).to_have_text(["the camera pans left", "3\u00a0s · Finished"])
    expect(item.locator("img")).to_have_js_property("naturalWidth", 256)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#status")).to_have_text("Deleted.")
    expect(item).to_have_count(0)
    assert api.get(f"/v1/jobs/{job}").status_code == 404


def test_cancel_keeps_what_is_finished(page: Page, api: httpx.Client) -> None:
    job = make(page, seconds="60")
    until(page, "document.querySelector('video').currentTime > 0.5")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status")).to_have_text("Canceled: what was finished plays")
    record = api.get(f"/v1/jobs/{job}").json()
    assert record["status"] == "canceled"
    until(page, "document.querySelector('video').ended")
    last = record["segments"][-1]
    assert playing(page)["at"] == pytest.approx(last["start_seconds"] + last["duration_seconds"], abs=0.1)


def test_a_dropped_picture_is_the_first_frame(page: Page, api: httpx.Client) -> None:
    photo = Image.fromarray(photographs()["coffee"])
    file = io.BytesIO()
    photo.save(file, "PNG")
    drop = """([bytes, zone]) => {
      const given = new DataTransfer();
      given.items.add(new File([new Uint8Array(bytes)], "coffee.png", { type: "image/png" }));
      const drop = new DragEvent("drop", { dataTransfer: given, bubbles: true });
      document.querySelector(zone).dispatchEvent(drop);
    }"""
    page.evaluate(drop, [list(file.getvalue()), "#drop"])
    expect(page.get_by_alt_text("The first picture")).to_have_js_property("naturalWidth", 256)
    job = make(page, prompt="the camera is still", seconds="1")
    finished(page)
    poster = api.get(f"/v1/videos/{job}/content", params={"variant": "thumbnail"}).content
    shown = Image.open(io.BytesIO(poster)).convert("RGB").resize((32, 32))
    given = photo.resize((32, 32))
    difference = [abs(a - b) for a, b in zip(shown.tobytes(), given.tobytes(), strict=True)]
    assert sum(difference) / len(difference) < 12
    page.get_by_role("button", name="Remove picture").click()
    expect(page.get_by_alt_text("The first picture")).to_be_hidden()


@pytest.mark.parametrize(
    ("field", "value"),
    [("prompt", " "), ("seconds", "500"), ("seconds", "soon"), ("seed", "-1"), ("seed", "x")],
)
def test_a_mistake_is_told_beside_its_field(browser: Browser, url: str, field: str, value: str) -> None:
    page = browser.new_page()
    page.goto(url)
    page.fill("#prompt", "the camera pans left")
    page.fill(f"#{field}", value)
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator(f"#{field}-error")).not_to_be_empty()
    expect(page.locator(f"#{field}")).to_be_focused()
    expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    assert page.evaluate("location.hash") == ""
    page.close()


def test_the_curl_command_does_the_same(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / 'it\'s "red".png')
    page.fill("#prompt", """it's a "red" circle, $HOME `x` \\ @""")
    page.fill("#seconds", "1.5")
    page.fill("#seed", "7")
    page.get_by_text("The same with curl").click()
    commands = [page.locator("#curl").inner_text()]
    page.set_input_files("#image", tmp_path / 'it\'s "red".png')
    commands.append(page.locator("#curl").inner_text())
    for command in commands:
        run = ["bash", "-c", f"{command} -sf"]
        done = subprocess.run(run, capture_output=True, check=True, cwd=tmp_path)
        job = api.get(f"/v1/jobs/{json.loads(done.stdout)['id']}").json()
        assert (job["prompt"], job["seconds"], job["seed"]) == (
            """it's a "red" circle, $HOME `x` \\ @""",
            1.5,
            7,
        )
        api.delete(f"/v1/videos/{job['id']}")


def test_nothing_to_see_is_said(page: Page) -> None:
    expect(page.locator("#screen-words")).to_be_visible()
    expect(page.locator("#video")).not_to_be_visible()
    page.fill("#prompt", "the camera pans left")
    page.fill("#seconds", "1")
    page.locator("#prompt").press("Control+Enter")
    finished(page)
    expect(page.locator("#screen-words")).not_to_be_visible()
    expect(page.locator("#video")).to_be_visible()


def test_the_keyboard_is_enough(page: Page) -> None:
    page.fill("#seconds", "1")
    page.locator("#examples button").first.focus()
    page.keyboard.press("Enter")
    finished(page)
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert {"prompt", "image", "seconds", "seed", "Make the video", "download", "delete", "video"} <= reached


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (PHONE, "light"), (DESK, "dark"), (DESK, "light")]
)
def test_nothing_keeps_people_out(browser: Browser, url: str, size: dict, scheme: str) -> None:
    with browser.new_context(viewport=size, color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(url)
        make(page, seconds="1")
        finished(page)
        page.get_by_text("The same with curl").click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0
        heights = page.eval_on_selector_all(
            "button, input, summary",
            "found => found.map((e) => e.getBoundingClientRect().height).filter((h) => h)",
        )
        assert min(heights) >= 40  # a thumb's width


def test_it_goes_on_where_events_do_not_get_through(page: Page) -> None:
    page.route(re.compile(r"/events$"), lambda route: route.abort())
    make(page, seconds="2")
    finished(page)


def test_a_server_that_is_away_for_a_while(page: Page) -> None:
    make(page, seconds="2")
    finished(page)

    def away(route: Route) -> None:
        route.abort()

    page.route("**/v1/**", away)
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator("#form-error")).to_have_text("The server does not answer.")
    page.unroute("**/v1/**", away)
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator("#form-error")).to_be_empty()
    finished(page)
