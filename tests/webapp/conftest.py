"""People and their browsers."""

import shutil

import pytest
from django.conf import settings as site
from django.test import Client
from runs_kit import make_version, queue

from webapp.projects.models import Membership, User
from webapp.projects.services import create_project, create_token


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    """Addresses of static files without the hashes that only `collectstatic` knows."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Argon2 is slow on purpose; tests make many people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def empty_storage():
    """Nothing lies where a test looks but what it stored: the numbers of rows are given again from test to test."""
    yield
    shutil.rmtree(site.DATA_DIR / "files", ignore_errors=True)


@pytest.fixture
def owner(db) -> User:
    """Somebody with a project of their own."""
    return User.objects.create_user("ada", "ada@example.org", "stone-and-gold-1")


@pytest.fixture
def seat(owner) -> Membership:
    """The owner's seat in their project."""
    return create_project(owner=owner, name="Harbour")


@pytest.fixture
def browser(seat) -> Client:
    """The owner, logged in."""
    client = Client()
    client.force_login(seat.user)
    return client


@pytest.fixture
def stranger(db) -> Client:
    """Somebody else who is logged in, with no seat in the owner's project."""
    client = Client()
    client.force_login(User.objects.create_user("mallory", "mallory@example.org", "stone-and-gold-2"))
    return client


@pytest.fixture
def api(seat, redis) -> Client:
    """A program with the owner's token."""
    token = create_token(user=seat.user, name="a program")
    return Client(headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})


@pytest.fixture
def version(seat, redis, tmp_path):
    """A small table that was imported into the owner's project."""
    return make_version(seat, tmp_path)


@pytest.fixture
def run(seat, version):
    """A run on it that waits for a worker."""
    return queue(seat, version)
