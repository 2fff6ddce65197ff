"""Errors become words, in the form in which they were asked for."""

import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import path
from rest_framework.decorators import api_view

from training.errors import TrainingError
from webapp import urls
from webapp.core.errors import UserError

pytestmark = pytest.mark.urls(__name__)

ERRORS = {
    "mendable": UserError("The tide is out.", "Come back at noon.", code="tide", status=409),
    "training": TrainingError("The loss is not a number.", "Try a lower learning rate.", code="diverged"),
    "forbidden": PermissionDenied("Only owners may do this."),
    "bug": ZeroDivisionError("inner workings"),
}


def fail(request, kind):
    raise ERRORS[kind]


urlpatterns = [
    path("fail/<str:kind>/", fail),
    path("api/v1/fail/<str:kind>/", api_view(["GET"])(fail)),
    *urls.urlpatterns,
]


def test_what_a_person_can_mend_is_a_page_with_the_next_step(browser):
    answer = browser.get("/fail/mendable/")
    assert answer.status_code == 409
    assert "The tide is out." in answer.content.decode()
    assert "Come back at noon." in answer.content.decode()


def test_htmx_gets_a_message_and_leaves_the_page_as_it_is(browser):
    answer = browser.get("/fail/training/", headers={"hx-request": "true"})
    assert answer.status_code == 400
    assert answer["HX-Retarget"] == "#toasts"
    assert answer["HX-Reswap"] == "beforeend"
    assert "<html" not in answer.content.decode()
    assert "Try a lower learning rate." in answer.content.decode()


def test_scripts_that_ask_for_json_get_json(browser):
    answer = browser.get("/fail/mendable/", headers={"accept": "application/json"})
    assert answer.json() == {"error": {"code": "tide", "message": "The tide is out.", "hint": "Come back at noon."}}


@pytest.mark.parametrize(("kind", "status", "code"), [("mendable", 409, "tide"), ("training", 400, "diverged")])
def test_the_api_says_it_in_its_one_shape(api, kind, status, code):
    answer = api.get(f"/api/v1/fail/{kind}/")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def test_what_is_not_allowed_says_why(browser, api):
    assert "Only owners may do this." in browser.get("/fail/forbidden/").content.decode()
    assert api.get("/api/v1/fail/forbidden/").json()["error"]["message"] == "Only owners may do this."


@pytest.mark.parametrize("address", ["/fail/bug/", "/api/v1/fail/bug/"])
def test_our_own_mistake_is_logged_under_the_number_that_is_shown(browser, redis, caplog, address):
    browser.raise_request_exception = False
    with caplog.at_level(logging.ERROR, logger="webapp.core.errors"):
        answer = browser.get(address)
    number = caplog.records[0].args[0]
    assert answer.status_code == 500
    assert number in answer.content.decode()
    assert "ZeroDivisionError" in caplog.text
    assert "inner workings" not in answer.content.decode()


def test_the_api_does_not_know_what_is_not_there(api):
    answer = api.get("/api/v1/runs/99999/")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_api_names_the_methods_it_knows(api):
    answer = api.delete("/api/v1/catalog/")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
