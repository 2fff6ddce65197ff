"""Chats of every common form as one list of {"role", "content"}: messages (ChatML), ShareGPT, Alpaca."""

import json
from collections.abc import Mapping
from typing import TypeAlias

Message: TypeAlias = dict[str, str]
Record: TypeAlias = Mapping[str, object]

COLUMN = "messages"
_USED = frozenset(("messages", "conversations", "conversation", "system", "tools", "instruction", "input", "output"))
_ROLES = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function_call": "assistant",
    "function": "tool",
    "observation": "tool",
}


def holds_conversations(records: list[Record]) -> bool:
    """Whether nearly all of the records are conversations."""
    return bool(records) and sum(has_form(record) for record in records) >= 0.9 * len(records)


def has_form(record: Record) -> bool:
    """Whether the record has the fields of a conversation, however they are filled."""
    turns = _turns(record)
    if turns is not None:
        return all(isinstance(turn, Mapping) and ("role" in turn or "from" in turn) for turn in turns)
    return isinstance(record.get("instruction"), str) and isinstance(record.get("output"), str)


def to_messages(record: Record) -> tuple[list[Message], str]:
    """The conversation, or an empty list and the reason why there is none."""
    turns = _turns(record)
    if turns is None:
        messages = _from_instruction(record)
    else:
        messages = [_message(turn) for turn in turns if isinstance(turn, Mapping)]
    if not messages:
        return [], "no conversation in it"
    if not any(message["role"] == "assistant" and message["content"].strip() for message in messages):
        return [], "no answer in it"
    return _opening(record) + messages, ""


def other_fields(record: Record) -> dict[str, object]:
    """What the record says besides the conversation."""
    return {key: value for key, value in record.items() if key not in _USED}


def _turns(record: Record) -> list[object] | None:
    for key in ("messages", "conversations", "conversation"):
        if isinstance(turns := record.get(key), list):
            return turns
    return None


def _opening(record: Record) -> list[Message]:
    """The system prompt and the tools, where they stand beside the turns."""
    opening = []
    if isinstance(system := record.get("system"), str) and system.strip():
        opening.append({"role": "system", "content": system})
    if (tools := record.get("tools")) and _text(tools) not in ("[]", "{}"):
        opening.append({"role": "system", "content": f"Tools: {_text(tools)}"})
    return opening


def _from_instruction(record: Record) -> list[Message]:
    instruction, context = _text(record.get("instruction")), _text(record.get("input"))
    answer = _text(record.get("output"))
    question = f"{instruction}\n\n{context}" if context.strip() else instruction
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}] if question else []


def _message(turn: Mapping[str, object]) -> Message:
    role = str(turn.get("role") or turn.get("from") or "user").lower()
    content = turn.get("content", turn.get("value"))
    return {"role": _ROLES.get(role, role), "content": _text(content)}


def _text(content: object) -> str:
    """A string as it is; a list of parts as their texts; anything else as JSON."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, Mapping) and "text" in part for part in content):
        return "".join(str(part["text"]) for part in content)
    return json.dumps(content, ensure_ascii=False)
