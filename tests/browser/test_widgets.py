"""The small modules of the run page by themselves: colours, numbers, cuts of a text, and the line to the server."""

import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute


@pytest.fixture
def modules(page: Page) -> Page:
    """A page of the lab in which `palette` and `strip` are at hand."""
    page.goto("/accounts/profile/")
    page.evaluate(
        """async () => {
            window.palette = await import('/static/js/palette.js');
            window.strip = await import('/static/js/strip.js');
        }"""
    )
    return page


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["correct", "brevity", "heldout/accuracy"], [0, 1, 2]),
        (["format", "correct", "brevity", "heldout/accuracy"], [3, 0, 1, 2]),
        (["exact", "short", "terse", "heldout/accuracy"], [0, 1, 3, 2]),
        (["kl", "entropy"], [0, 1]),
    ],
)
def test_no_two_curves_share_a_colour(modules: Page, names: list[str], places: list[int]) -> None:
    assert modules.evaluate("(names) => palette.placesOf(names)", names) == places


def test_a_scale_is_robust_symmetric_and_never_infinite(modules: Page) -> None:
    def bounds(name: str, values: list[float | None]) -> Any:
        return modules.evaluate("([name, values]) => palette.bounds(name, values)", [name, values])

    assert bounds("advantage", [0.5, -2.0, None]) == [-2, 2]
    assert bounds("advantage", [*[0.1] * 98, 50.0, -0.1]) == [-0.1, 0.1], "one value far out does not stretch it"
    assert bounds("advantage", [0, 0]) == [-1, 1]
    assert bounds("entropy", [1, 3]) == [1, 3]
    assert bounds("entropy", []) == [0, 1]
    low, high = bounds("ratio", [1, 0, 2, 0.9])
    assert high == -low == pytest.approx(0.6931, abs=1e-4), "a ratio of 0 has no logarithm"
    assert bounds("ratio", [1, 1.0000001]) == [-0.01, 0.01], "the arithmetic's noise is no change of the policy"


def test_a_ratio_of_zero_gets_the_strongest_tint(modules: Page) -> None:
    colour = modules.evaluate("palette.tint('ratio', 0, palette.bounds('ratio', [1, 0, 1.2, 0.9]))")
    assert colour == "color-mix(in oklab, var(--negative-most) 100.0%, var(--neutral))"
    assert modules.evaluate("palette.tint('ratio', null, [-1, 1])") == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("stream", ["advantage", "entropy", "logp"])
def test_text_on_any_tint_can_be_read(modules: Page, scheme: Any, stream: str) -> None:
    """Contrast after WCAG 2, of the text colour on eleven tints over the scale: at least 4.5."""
    modules.emulate_media(color_scheme=scheme)
    least = modules.evaluate(
        """(stream) => {
            const probe = document.body.appendChild(document.createElement("span"));
            const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            const shine = (colour) => {
                probe.style.color = ""; probe.style.color = colour;
                canvas.fillStyle = getComputedStyle(probe).color; canvas.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((one) => one / 255)
                    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const text = shine("var(--text)");
            const grounds = [...Array(11).keys()].map((one) => shine(palette.tint(stream, one / 5 - 1, [-1, 1])));
            return Math.min(...grounds.map((one) => (Math.max(one, text) + 0.05) / (Math.min(one, text) + 0.05)));
        }""",
        stream,
    )
    assert least >= 4.5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.123456, "0.123"), (12.5, "12.50"), (532.94, "532.9"), (1234.5, "1,235"), (-0.5, "−0.50"),
     (0.0001, "1.0e−4"), (None, "–")],
)  # fmt: skip
def test_numbers_as_people_read_them(modules: Page, value: float | None, text: str) -> None:
    assert modules.evaluate("(value) => palette.show(value)", value) == text


def test_whole_numbers_and_signs(modules: Page) -> None:
    assert modules.evaluate("palette.show(532.94, 0)") == "533"
    assert modules.evaluate("[0.82, -1.142, 0].map((one) => palette.signed(one))") == ["+0.82", "−1.14", "0"]
    assert modules.evaluate("palette.show(-1e-7)") == "−1.0e−7"


def test_tokens_stand_together_as_words_and_steps(modules: Page) -> None:
    pieces = ["12", "+", "3", " is", " fif", "teen", ";", "\n", "So"]
    cut = {name: modules.evaluate("([p, name]) => strip.cut(p, name)", [pieces, name]) for name in ("word", "step")}
    assert ["".join(pieces[first:last]) for first, last in cut["word"]] == [
        "12",
        "+",
        "3",
        " is",
        " fifteen",
        ";",
        "\n",
        "So",
    ]
    assert cut["step"] == [[0, 7], [7, 8], [8, 9]]


def test_a_block_ends_at_a_line_or_a_word(modules: Page) -> None:
    def blocks(texts: list[str]) -> Any:
        return modules.evaluate("(texts) => strip.blocks(texts)", texts)

    assert blocks(["a"] * 120) == [[0, 120]]
    assert blocks(["a"] * 121) == [[0, 120], [120, 121]]
    assert blocks([*["a"] * 99, "\n", *["b"] * 50]) == [[0, 100], [100, 150]]
    assert blocks([*["a"] * 99, " b", *["c"] * 50]) == [[0, 99], [99, 150]]
    assert blocks([]) == []


FOLLOW = """(addresses) => import('/static/js/feed.js').then(({ openFeed }) => {
    window.told = []; window.seen = [];
    window.end = openFeed(addresses, 0, { onSnapshot(view) { seen.push(`snapshot ${view.seq}`); },
        onEvents(events) { seen.push(...events.map((event) => event.seq)); },
        onStatus(status) { told.push(status); } });
})"""


def until(page: Page, what: str, seconds: float = 15) -> None:
    """Wait until the expression is true in the page, whose content policy forbids it to look by itself."""
    for _ in range(int(seconds * 20)):
        if page.evaluate(what):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {seconds} s: {what}; told {page.evaluate('told')}, seen {page.evaluate('seen')}")


def follow(page: Page, run: str) -> None:
    page.evaluate(FOLLOW, {"socket": f"/ws/runs/{run}/", "page": f"/runs/{run}/"})


def test_a_run_that_is_not_there_is_given_up(modules: Page) -> None:
    """The browser is not told why a handshake fails: after three the page's own address says so."""
    follow(modules, str(uuid.uuid4()))
    until(modules, "told.at(-1) === 'refused'")
    assert modules.evaluate("told") == ["reconnecting"] * 3 + ["refused"]


def test_who_was_signed_out_is_told(modules: Page) -> None:
    modules.context.clear_cookies()
    follow(modules, str(uuid.uuid4()))
    until(modules, "told.at(-1) === 'refused'")


def test_a_socket_that_only_looks_open_is_given_up(modules: Page) -> None:
    """The server went silent without a word: when the network is back it is asked, and left if it does not answer."""
    sockets: list[WebSocketRoute] = []
    modules.route_web_socket("**/ws/runs/silent/*", lambda socket: sockets.append(socket))
    follow(modules, "silent")
    until(modules, "told.at(-1) === 'live'")
    modules.evaluate("dispatchEvent(new Event('online'))")
    until(modules, "told.includes('reconnecting') && told.at(-1) === 'live'")
    assert len(sockets) == 2


def test_a_socket_that_answers_is_kept_and_a_gap_is_not(modules: Page) -> None:
    asked: list[str] = []

    def serve(socket: WebSocketRoute) -> None:
        asked.append(socket.url.rpartition("after=")[2])
        socket.on_message(lambda text: socket.send('{"type": "pong"}') if text == "ping" else None)
        if len(asked) == 1:
            socket.send('{"type": "events", "events": [{"seq": 1}, {"seq": 2}], "last_seq": 2}')
            opened.append(socket)
        else:
            socket.send('{"type": "events", "events": [{"seq": 2}, {"seq": 3}, {"seq": 4}], "last_seq": 4}')

    opened: list[WebSocketRoute] = []
    modules.route_web_socket("**/ws/runs/talks/*", serve)
    follow(modules, "talks")
    until(modules, "seen.length === 2")
    modules.evaluate("dispatchEvent(new Event('online'))")
    modules.wait_for_timeout(6_000)
    assert asked == ["0"], "it answered, so it was kept"
    opened[0].send('{"type": "events", "events": [{"seq": 4}], "last_seq": 4}')
    until(modules, "seen.length === 4")
    assert modules.evaluate("seen") == [1, 2, 3, 4]
    assert asked == ["0", "2"], "after a gap it asks for what follows the last number"


LONG = """async () => {
    const { drawStrips } = await import('/static/js/strip.js');
    const count = 8000, words = ['the', ' sum', ' of', ' 12', ' and', ' 7', ' is', ' 19', '.', '\\n'];
    const numbers = (scale) => Array.from({ length: count }, (_, place) => Math.sin(place / 7) * scale);
    const names = ['reward', 'advantage', 'logp', 'entropy', 'ratio'];
    const streams = Object.fromEntries(names.map((name) => [name, numbers(1)]));
    streams.ratio = numbers(0.1).map((one) => 1 + one);
    const pieces = Array.from({ length: count }, (_, place) => words[place % 10]);
    const data = { pieces, mask: Array(count).fill(true), streams };
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const sheet = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '/static/css/strip.css' });
    const ready = new Promise((done) => { sheet.onload = done; });
    document.head.append(sheet);
    await ready;
    const root = document.querySelector('main').appendChild(document.createElement('div'));
    root.className = 'strips';
    await frame();
    const tasks = [];
    const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)));
    watch.observe({ type: 'longtask' });
    const began = performance.now();
    drawStrips(root, [{ title: 'long', data }], names, 'token');
    const made = performance.now() - began;
    await frame(); await frame();
    const drawn = performance.now() - began;
    while (root.querySelectorAll('.piece').length < count * names.length) await frame();
    const whole = performance.now() - began;
    await frame();
    const longest = Math.max(0, ...tasks);
    const rows = root.querySelector('.strip-rows');
    rows.scrollIntoView();
    const frames = [];
    let last = await frame();
    for (let at = 0; at < 150; at += 1) {
        rows.scrollTop += 250;
        const now = await frame();
        frames.push(now - last);
        last = now;
    }
    frames.sort((a, b) => a - b);
    return { made, drawn, whole, longest, pieces: root.querySelectorAll('.piece').length, moved: rows.scrollTop,
        median: frames[75], late: frames[142], worst: frames[149] };
}"""


def test_eight_thousand_tokens_with_five_streams_scroll(modules: Page) -> None:
    """Frames (milliseconds) while the strip moves by 250 pixels a frame.

    The bounds are several times what is measured, so that a busy machine does not fail them; drawing all tokens at
    once took seconds.
    """
    told = modules.evaluate(LONG)
    print({name: round(value, 1) for name, value in told.items()})
    assert told["pieces"] == 40_000
    assert told["moved"] > 20_000
    assert told["longest"] < 1_000
    assert told["median"] < 100
