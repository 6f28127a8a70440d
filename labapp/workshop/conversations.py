"""Conversations as lists of messages {role, content}, and transcripts such as those of HH-RLHF, read as texts."""

from collections.abc import Mapping

from labapp.workshop.mapping import required_text

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"  # what begins a turn in transcripts such as those of HH-RLHF


def shared_talk(good: str, bad: str) -> tuple[str, str, str]:
    """(what two transcripts share up to the last answer, the one's last answer, the other's); ValueError for others."""
    turn = good.rfind(ASSISTANT)
    while turn >= 0 and not bad.startswith(good[: turn + len(ASSISTANT)]):
        turn = good.rfind(ASSISTANT, 0, turn)
    if turn < 0:
        raise ValueError("chosen and rejected share no beginning up to “Assistant:”: choose the column of the prompt")
    cut = turn + len(ASSISTANT)
    if HUMAN in good[cut:] or HUMAN in bad[cut:]:
        raise ValueError("chosen and rejected differ in more than the last answer")
    return good[:cut], good[cut:], bad[cut:]


def is_conversation(value: object) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, Mapping) for item in value)


def last_said(value: object, side: str) -> tuple[str, str]:
    """(what stands before, empty where nothing does; the last message) of a conversation."""
    if not isinstance(value, list) or not is_conversation(value):
        raise ValueError(f"{side} is not a conversation, as the other side is")
    role = value[-1].get("role", "assistant")
    if role != "assistant":
        raise ValueError(f"the last message of {side} is not the assistant's but of role {role!r:.40}")
    before = talk(value[:-1], side) if len(value) > 1 else ""
    return before, required_text(value[-1].get("content"), f"{side} completion")


def talk(messages: object, what: str) -> str:
    """Messages as text: one alone is its content, several are a transcript that the assistant is to go on with."""
    assert isinstance(messages, list)
    texts = [required_text(message.get("content"), f"{what} message") for message in messages]
    if len(texts) == 1:
        return texts[0]
    turns = [f"{message.get('role', 'user')}: {text}" for message, text in zip(messages, texts, strict=True)]
    return "\n\n".join([*turns, "assistant:"])
