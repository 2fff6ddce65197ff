"""The pages where a model is tried."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from training.language.sampling import Sampling
from webapp.core import live
from webapp.core.errors import UserError
from webapp.core.settings_form import SettingsForm
from webapp.playground import presenters, served, services
from webapp.playground.forms import TryForm
from webapp.playground.models import Chat, Turn
from webapp.playground.served import Served
from webapp.projects.access import UserRequest, current_project
from webapp.runs.inputs import inputs_of
from webapp.runs.models import Run
from webapp.runs.pages.rows import rows

EXPLAINED = ("text", "image", "translation", "words")
"""Try-outs whose answer comes with the words or the region that mattered, or were looked at."""
FREEDOM = ("temperature", "top_p", "max_tokens")
CHATTING = Sampling(temperature=0.2, top_p=0.9)
"""What small chat models answer best with; those that write on in a style may be bolder."""


@login_required
def playground(request: UserRequest) -> HttpResponse:
    """Every model that can be tried: the project's finished runs, and those that packages ship."""
    member = current_project(request)
    runs = Run.objects.visible_to(request.user).filter(project=member.project, status=Run.Status.FINISHED)
    runs = runs.select_related("version__dataset", "owner").order_by("-ended")[:60]
    context = {"rows": rows(list(runs)), "ready": served.ready_made(), "member": member}
    return render(request, "playground/playground.html", context)


@login_required
def try_run(request: UserRequest, pk: int) -> HttpResponse:
    """The try-out that fits a run's model."""
    model = _of_run(request, pk)
    if model.task.tryout == "chat":
        return _chat_page(request, model)
    return render(request, "playground/try.html", {"model": model, "form": TryForm(model)})


@login_required
def try_ready(request: UserRequest, name: str) -> HttpResponse:
    """A chat with a pretrained model that a package ships."""
    model = served.of_name(name)
    if model is None:
        raise Http404
    return _chat_page(request, model)


@login_required
@require_POST
def ask(request: UserRequest, pk: int) -> HttpResponse:
    """The model's answer to what was filled in."""
    model = _of_run(request, pk)
    inputs = TryForm(model, request.POST, request.FILES).inputs()
    output = services.ask(model, [inputs], {"explain": True} if model.task.tryout in EXPLAINED else {})[0]
    truth = presenters.truth_in_words(output, request.POST.get("truth", ""))
    return render(request, "playground/_answer.html", presenters.answer(model, output) | {"truth": truth})


@login_required
def example(request: UserRequest, pk: int) -> HttpResponse:
    """The form again, filled with a random held-out example, which the page asks about at once."""
    model = _of_run(request, pk)
    assert model.run is not None
    drawn = services.held_out_example(model.run)
    form = TryForm(model)
    shown = inputs_of(model.run.version, model.run.train_spec(), [drawn["row"]]).get(drawn["row"], [])
    form.fill(drawn["inputs"], {cell.column: cell.value for cell in shown if cell.kind in ("picture", "sound")})
    return render(request, "playground/_form.html", {"model": model, "form": form, "drawn": drawn, "shown": shown})


@login_required
@require_POST
def say(request: UserRequest, pk: int) -> HttpResponse:
    """Both turns, the second one still to be written."""
    chat = _own_chat(request, pk)
    form = SettingsForm(Sampling(), request.POST, prefix="freedom")
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        raise UserError(f"{form[name].label}: {errors[0]}")
    options = form.settings.model_dump(mode="json", exclude_none=True)
    turns = services.say(chat, request.POST.get("text", ""), options)
    return render(request, "playground/_turns.html", {"turns": turns, "chat": chat})


@login_required
@require_POST
def say_again(request: UserRequest, pk: int) -> HttpResponse:
    """Another reply in place of the last one."""
    chat = _own_chat(request, pk)
    services.say_again(chat)
    return render(request, "playground/_turns.html", {"turns": chat.turns.all(), "chat": chat})


@login_required
@require_POST
def new_chat(request: UserRequest, pk: int) -> HttpResponse:
    """Begin anew with the same model."""
    model = _model_of(_own_chat(request, pk))
    services.new_chat(model, request.user)
    return redirect(model.url)


@login_required
def turn(request: UserRequest, pk: int) -> HttpResponse:
    """One turn as it stands."""
    found = get_object_or_404(Turn.objects.filter(chat__owner=request.user).select_related("chat"), pk=pk)
    return render(request, "playground/_turn.html", {"turn": found, "is_last": True})


@login_required
@require_POST
def stop_turn(request: UserRequest, pk: int) -> HttpResponse:
    """Stop writing; the page hears of it through the turn's own news."""
    services.stop(get_object_or_404(Turn.objects.filter(chat__owner=request.user), pk=pk))
    return HttpResponse(status=204)


async def turn_events(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The reply as it is written: `delta` with text and place, then `done`."""
    user = await request.auser()
    owns = Turn.objects.filter(pk=pk, chat__owner_id=user.pk).exists
    if not user.is_authenticated or not await sync_to_async(owns)():
        return HttpResponse(status=404)
    return await live.event_stream(request, f"reply-{pk}")


def _chat_page(request: UserRequest, model: Served) -> HttpResponse:
    chat = services.chat_with(model, request.user)
    context: dict[str, Any] = {
        "model": model,
        "chat": chat,
        "chats": model.chats(),
        "turns": chat.turns.all(),
        "freedom": SettingsForm(CHATTING if model.chats() else Sampling(), {}, prefix="freedom").pick(FREEDOM),
        "samples": presenters.beginnings(model),
    }
    return render(request, "playground/chat.html", context)


def _of_run(request: UserRequest, pk: int) -> Served:
    runs = Run.objects.visible_to(request.user).select_related("version__dataset", "project")
    return served.of_run(get_object_or_404(runs, pk=pk))


def _own_chat(request: UserRequest, pk: int) -> Chat:
    """The person's own chat; with a run that is still theirs to see."""
    chat = get_object_or_404(Chat.objects.of(request.user).select_related("run__project"), pk=pk)
    if chat.run is not None and not Run.objects.visible_to(request.user).filter(pk=chat.run.pk).exists():
        raise Http404
    return chat


def _model_of(chat: Chat) -> Served:
    model = served.of_run(chat.run) if chat.run else served.of_source(chat.source)
    if model is None:
        raise Http404
    return model
