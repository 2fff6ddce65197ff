"""What the playground worker does: answer a question, or write a reply while the page watches."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from redis import Redis

from training.errors import TrainingError
from webapp.core import live
from webapp.core.errors import UserError
from webapp.playground import lifecycle, served, serving
from webapp.playground.models import Turn

FRAME_SECONDS = 0.05
"""Deltas are gathered for so long: twenty frames a second read as smooth."""
QUEUE = "playground"


@worker_ready.connect
def warm_up(sender: Any, **kwargs: Any) -> None:
    """Start the serving process with the worker that listens to the playground's queue."""
    if QUEUE in sender.app.amqp.queues.consume_from:
        serving.warm_up()


@shared_task
def answer(key: str, model: str, inputs: list[dict[str, Any]], options: dict[str, Any]) -> None:
    """Answer on the channel `reply-<key>`: one event, `outputs` or `error`."""
    try:
        outputs = serving.ask(served.of_key(model).folder(), _localised(inputs), options)
    except (UserError, TrainingError) as error:
        live.publish(f"reply-{key}", "error", {"message": error.message, "hint": error.hint})
    else:
        live.publish(f"reply-{key}", "outputs", {"outputs": outputs})


@shared_task
def reply(turn_id: int) -> None:
    """Write a reply into its turn, and tell the page every piece."""
    turn = lifecycle.claim_turn(turn_id)
    if turn is None:
        return
    channel, text = f"reply-{turn.pk}", ""
    try:
        question = serving.write(_model_of(turn).folder(), _given(turn), turn.options)
        for text, message in _in_frames(question, channel, stop_key(turn.pk)):
            if "error" in message:
                lifecycle.fail_turn(turn.pk, text, message["error"])
            elif "done" in message:
                lifecycle.finish_turn(turn.pk, text, message["done"])
    except (UserError, TrainingError) as error:
        lifecycle.fail_turn(turn.pk, text, {"message": error.message, "hint": error.hint})
    live.publish(channel, "done", {})


def stop_key(turn_id: int) -> str:
    """The key in Redis whose presence asks the worker to stop writing."""
    return f"stop-reply-{turn_id}"


def _in_frames(question: serving.Question, channel: str, stop: str) -> Any:
    """Publish what is written about twenty times a second; gives the text so far with each message."""
    redis = Redis.from_url(settings.REDIS_URL)
    text, told, looked, cancelled = "", 0, 0.0, False
    for message in question.answers():
        text += message.get("delta", "")
        now = time.monotonic()
        if now - looked >= FRAME_SECONDS or "delta" not in message:
            looked = now
            if told < len(text):
                live.publish(channel, "delta", {"text": text[told:], "from": told})
                told = len(text)
            if not cancelled and redis.exists(stop):
                question.cancel()
                cancelled = True
        yield text, message


def _model_of(turn: Turn) -> served.Served:
    chat = turn.chat
    model = served.of_run(chat.run) if chat.run else served.of_source(chat.source)
    if model is None:
        raise UserError("This model is not installed here any more.", "Choose another one.", code="no_model")
    return model


def _given(turn: Turn) -> dict[str, Any]:
    """The conversation before the reply, or the beginning that is written on from."""
    before = _answered(list(turn.chat.turns.filter(pk__lt=turn.pk)))
    if not _model_of(turn).chats():
        return {"prompt": before[-1].text if before else ""}
    return {"messages": [{"role": said.speaker, "content": said.text} for said in before]}


def _answered(turns: list[Turn]) -> list[Turn]:
    """Without questions that got no answer: two in a row would confuse the model."""
    nothing = {number for number, turn in enumerate(turns) if turn.speaker == Turn.Speaker.ASSISTANT and not turn.text}
    return [turn for number, turn in enumerate(turns) if number not in nothing and number + 1 not in nothing]


def _localised(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files that were sent along, as paths on this machine."""
    from webapp.playground.attachments import local_path

    return [
        {name: local_path(value["file"]) if isinstance(value, dict) and "file" in value else value
         for name, value in given.items()}
        for given in inputs
    ]  # fmt: skip
