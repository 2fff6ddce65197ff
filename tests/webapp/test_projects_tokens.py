"""Keys for programs, and the first administrator."""

import stat
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from webapp.projects import services
from webapp.projects.models import Membership, Token, User


def bearer(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_token_is_shown_once_and_kept_only_as_a_hash(browser, redis):
    page = browser.post("/tokens/", {"name": "notebook"}).content.decode()
    secret = page.split('id="secret">')[1].split("<")[0]
    assert bearer(secret).get("/api/v1/projects/").status_code == 200
    assert secret not in browser.get("/tokens/").content.decode()
    assert secret not in str(Token.objects.values())


def test_the_page_says_when_a_token_was_last_used(browser, api):
    assert "never used" in browser.get("/tokens/").content.decode()
    api.get("/api/v1/projects/")
    assert "last used" in browser.get("/tokens/").content.decode()


def test_a_revoked_token_no_longer_works(browser, api):
    token = Token.objects.get()
    browser.post(f"/tokens/{token.token_key}/revoke/")
    answer = api.get("/api/v1/projects/")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"


def test_nobody_revokes_another_s_token(stranger, seat):
    services.create_token(user=seat.user, name="mine")
    assert stranger.post(f"/tokens/{Token.objects.get().token_key}/revoke/").status_code == 404


def test_the_api_without_a_token_says_how_to_get_one(db):
    answer = Client().get("/api/v1/projects/")
    assert answer.status_code == 401
    assert "Bearer" in answer.json()["error"]["hint"]


@pytest.fixture
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_the_first_start_makes_an_administrator_with_a_project_and_a_token(db, redis, data_folder):
    said = StringIO()
    call_command("ensure_admin", stdout=said)
    password = said.getvalue().split("password ")[1].split()[0]
    assert Client().login(username="admin", password=password)
    assert Membership.objects.get().is_owner
    token = data_folder / "admin-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert bearer(token.read_text().strip()).get("/api/v1/projects/").status_code == 200


def test_a_given_password_is_taken_and_not_printed(db, data_folder, monkeypatch):
    monkeypatch.setenv("TOUCHSTONE_ADMIN_PASSWORD", "given-from-outside")
    said = StringIO()
    call_command("ensure_admin", stdout=said)
    assert Client().login(username="admin", password="given-from-outside")
    assert said.getvalue() == ""


def test_the_next_start_changes_nothing(db, data_folder):
    call_command("ensure_admin", stdout=StringIO())
    before = (data_folder / "admin-token").read_text()
    call_command("ensure_admin", stdout=StringIO())
    assert (data_folder / "admin-token").read_text() == before
    assert User.objects.count() == 1
