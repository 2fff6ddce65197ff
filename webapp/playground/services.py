"""What people ask of a model: an answer, a reply in a chat, a stop."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from redis import Redis

from webapp.core import live
from webapp.core.errors import UserError
from webapp.playground import attachments, jobs, lifecycle
from webapp.playground.models import Chat, Turn
from webapp.playground.served import Served
from webapp.projects.models import User
from webapp.projects.services import note_tried
from webapp.runs.inputs import raw_inputs
from webapp.runs.models import Run
from webapp.runs.results import random_prediction

PATIENCE = 60.0
"""Seconds until nobody waits for an answer any more."""
MOST_INPUTS = 256
STOP_FOR = 600


def ask(model: Served, inputs: list[dict[str, Any]], options: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The model's answer to each input; raises UserError with its sentence when it has none."""
    if len(inputs) > MOST_INPUTS:
        raise UserError(
            _("These are %(count)s inputs; %(most)s are answered at a time.")
            % {"count": len(inputs), "most": MOST_INPUTS},
            _("Send them in several calls."),
        )
    key = uuid.uuid4().hex
    jobs.answer.delay(key, model.key, inputs, options or {})
    told = live.first(f"reply-{key}", PATIENCE)
    attachments.forget(inputs)
    if told is None:
        raise UserError(
            _("The model did not answer within a minute."),
            _("Check on the page Queue that a playground worker is running, then ask again."),
            code="no_answer",
            status=503,
        )
    event, data = told
    if event == "error":
        raise UserError(data["message"], data["hint"], code="no_answer")
    _note(model)
    return list(data["outputs"])


@transaction.atomic
def say(chat: Chat, text: str, options: dict[str, Any]) -> list[Turn]:
    """Write down what the person said and a place for the reply, and call a worker; both turns, in order."""
    if not text.strip():
        raise UserError(_("There is nothing to answer yet."), _("Write something first."))
    if (open_turn := chat.turns.filter(status__in=lifecycle.OPEN).first()) is not None:
        stop(open_turn)
    said = chat.turns.create(speaker=Turn.Speaker.USER, text=text)
    return [said, _reply(chat, options)]


@transaction.atomic
def say_again(chat: Chat) -> Turn:
    """Forget the last reply and let the model write another one."""
    last = chat.turns.filter(speaker=Turn.Speaker.ASSISTANT).last()
    if last is None or last.is_open:
        raise UserError(_("There is no reply to write again."), _("Wait until the model has answered."))
    options = last.options
    last.delete()
    return _reply(chat, options)


def stop(turn: Turn) -> None:
    """Let the model stop writing; what it wrote stays."""
    if not lifecycle.ask_to_stop(turn.pk):
        with Redis.from_url(settings.REDIS_URL) as redis:
            redis.set(jobs.stop_key(turn.pk), 1, ex=STOP_FOR)
    else:
        live.publish(f"reply-{turn.pk}", "done", {})


def chat_with(model: Served, user: User) -> Chat:
    """The person's newest chat with this model, or a new one."""
    chats = Chat.objects.of(user).filter(run=model.run, source=model.source)
    return chats.first() or Chat.objects.create(run=model.run, source=model.source, owner=user)


def new_chat(model: Served, user: User) -> Chat:
    """An empty chat; an unused one is taken again."""
    chat = chat_with(model, user)
    return Chat.objects.create(run=model.run, source=model.source, owner=user) if chat.turns.exists() else chat


def held_out_example(run: Run) -> dict[str, Any]:
    """A random example of the held-out part: `row`, `truth`, the model's `prediction` there, and the `inputs`."""
    drawn = random_prediction(run)
    if drawn is None:
        raise UserError(_("This run has no held-out examples."), _("Type one of your own."))
    return {
        "row": drawn["row"],
        "truth": drawn.get("truth"),
        "prediction": drawn.get("prediction"),
        "inputs": raw_inputs(run.version, run.train_spec(), drawn["row"]),
    }


def _reply(chat: Chat, options: dict[str, Any]) -> Turn:
    turn = chat.turns.create(speaker=Turn.Speaker.ASSISTANT, status=Turn.Status.WAITING, options=options)
    transaction.on_commit(partial(jobs.reply.delay, turn.pk))
    if chat.run is not None:
        note_tried(chat.run.project)
    return turn


def _note(model: Served) -> None:
    if model.run is not None:
        note_tried(model.run.project)
