"""Logging in."""

import re

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

PASSWORD = "stone-and-gold-1"


def log_in(client: Client, login: str, password: str):
    return client.post("/account/login/", {"login": login, "password": password})


def test_everything_but_the_log_in_asks_for_the_log_in(db):
    for address in ("/", "/catalog/", "/projects/", "/tokens/", "/api/docs/"):
        answer = Client().get(address)
        assert answer.status_code in (302, 401, 403), address


def test_user_name_and_e_mail_both_log_in(owner, redis):
    assert log_in(Client(), "ada", PASSWORD)["Location"] == "/"
    assert log_in(Client(), "ada@example.org", PASSWORD)["Location"] == "/"


def test_a_wrong_password_says_so_and_keeps_the_name(owner, redis):
    page = log_in(Client(), "ada", "wrong").content.decode()
    assert 'value="ada"' in page
    assert "not correct" in page


def test_guessing_passwords_is_throttled(owner, redis):
    guesser = Client()
    for _ in range(5):
        log_in(guesser, "ada", "wrong")
    page = log_in(guesser, "ada", PASSWORD).content.decode()
    assert "Too many failed login attempts" in page


def test_sign_up_is_open_when_the_administrator_opens_it(db, redis, settings):
    assert "by invitation" in Client().get("/account/signup/").content.decode()
    settings.ACCOUNT_SIGNUP_OPEN = True
    assert "Make one" in Client().get("/account/login/").content.decode()
    form = {"username": "lin", "email": "", "password1": "stone-and-gold-6"}
    assert Client().post("/account/signup/", form)["Location"] == "/"


def test_with_two_factors_the_password_alone_does_not_log_in(owner, redis):
    client = Client()
    log_in(client, "ada", PASSWORD)
    activation = "/account/2fa/totp/activate/"
    client.post(client.get(activation)["Location"], {"password": PASSWORD})
    secret = re.search(r'value="(\w+)"[^>]*disabled', client.get(activation).text)
    client.post(activation, {"code": code(secret.group(1))})

    again = Client()
    assert log_in(again, "ada", PASSWORD)["Location"] == "/account/2fa/authenticate/"
    assert again.get("/")["Location"] == "/account/login/?next=/"


def code(secret: str) -> str:
    """What the authenticator app shows now."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_a_common_password_is_refused(browser, redis):
    form = {"oldpassword": PASSWORD, "password1": "password123", "password2": "password123"}
    assert "too common" in browser.post("/account/password/change/", form).content.decode()


def test_changing_the_password_asks_for_the_old_one(browser, redis):
    form = {"oldpassword": "wrong", "password1": "stone-and-gold-9", "password2": "stone-and-gold-9"}
    assert "current password" in browser.post("/account/password/change/", form).content.decode()
    assert browser.post("/account/password/change/", form | {"oldpassword": PASSWORD}).status_code == 302
