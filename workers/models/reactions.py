"""How a user goes on after an answer: praise where it is right, a complaint where it is wrong, from a small grammar."""

import random

OPENINGS = {True: ("", "", "Yes. ", "Great. "), False: ("", "", "No. ", "Sorry. ")}
SENTENCES = {
    True: (
        "You understood me.", "You got my point.", "That is what I was asking.",
        "That is correct.", "That is the right answer.", "I checked, and it is true.",
        "You did exactly what I asked.", "I learned a lot from that.",
    ),
    False: (
        "You did not understand me.", "You missed my point.", "That is not what I was asking.",
        "That is wrong.", "That is not the right answer.", "I checked, and it is false.",
        "You did not do what I asked.", "I learned nothing from that.",
    ),
}  # fmt: skip


def reaction(rng: random.Random, *, right: bool) -> str:
    """One reaction to an answer, of one or two sentences."""
    return rng.choice(OPENINGS[right]) + rng.choice(SENTENCES[right])
