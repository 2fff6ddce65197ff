"""Who is in a project, and what they may do there."""

import re

import pytest
from django.test import Client

from webapp.core.errors import UserError
from webapp.projects import services
from webapp.projects.access import membership_or_404
from webapp.projects.models import AuditEntry, Membership, Project, Role, User

Action = AuditEntry.Action


@pytest.fixture
def viewer(seat) -> Membership:
    """Somebody who may only look."""
    user = User.objects.create_user("vera", "vera@example.org", "stone-and-gold-3")
    return services.add_member(by=seat, user=user, role=Role.VIEWER)


def logged_in(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def actions(project: Project) -> list[str]:
    return list(project.audit.order_by("pk").values_list("action", flat=True))


def test_the_first_login_finds_a_project_of_one_s_own(db):
    user = User.objects.create_user("new", password="stone-and-gold-4")
    client = Client()
    client.force_login(user)
    assert "My project" in client.get("/").content.decode()
    assert Membership.objects.get(user=user).role == Role.OWNER


def test_a_new_project_becomes_the_one_that_is_worked_in(browser):
    browser.post("/projects/", {"name": "Lighthouse"})
    assert "Lighthouse" in browser.get("/catalog/").content.decode()
    first = Project.objects.get(name="Harbour")
    browser.post(f"/projects/{first.pk}/switch/")
    assert browser.session["project"] == first.pk


def test_a_project_without_a_name_is_not_made(browser):
    assert "This field is required" in browser.post("/projects/", {"name": " "}).content.decode()
    assert Project.objects.count() == 1


def test_other_peoples_projects_do_not_exist(stranger, seat):
    for address in ("", "switch/", "rename/", "people/"):
        method = stranger.post if address else stranger.get
        assert method(f"/projects/{seat.project_id}/{address}").status_code == 404
    listed = stranger.get("/api/v1/projects/").json()["results"]
    assert seat.project_id not in [project["id"] for project in listed]


def test_an_owner_lets_somebody_in_by_user_name(browser, seat):
    User.objects.create_user("grace", password="stone-and-gold-5")
    browser.post(f"/projects/{seat.project_id}/people/", {"person": "Grace", "role": "viewer"})
    assert seat.project.memberships.get(user__username="grace").role == Role.VIEWER
    assert actions(seat.project)[-1] == Action.ADDED
    assert "let in" in browser.get(f"/projects/{seat.project_id}/").content.decode()


def test_a_name_that_nobody_has_is_said_beside_the_field(browser, seat):
    answer = browser.post(f"/projects/{seat.project_id}/people/", {"person": "nobody", "role": "viewer"})
    assert answer.status_code == 422
    assert "Nobody here has this user name" in answer.content.decode()


def test_somebody_without_an_account_follows_an_invitation(browser, seat, redis):
    guest = Client()
    assert "by invitation" in guest.get("/account/signup/").content.decode()

    browser.post(f"/projects/{seat.project_id}/people/", {"person": "lin@example.org", "role": "editor"})
    page = browser.get(f"/projects/{seat.project_id}/").content.decode()
    link = re.search(r"http://testserver(/join/[^<]+)", page).group(1)

    offer = guest.get(link).content.decode()
    assert "ada invites you to this project as editor" in offer
    form = {"username": "lin", "email": "lin@example.org", "password1": "stone-and-gold-6", "next": link}
    assert guest.post("/account/signup/", form)["Location"] == link
    guest.post(link)

    assert seat.project.memberships.get(user__username="lin").role == Role.EDITOR
    assert guest.session["project"] == seat.project_id
    assert guest.get(link).status_code == 410
    assert actions(seat.project) == [Action.CREATED, Action.INVITED, Action.JOINED]


def test_a_withdrawn_invitation_opens_nothing(browser, seat):
    invitation = services.invite(by=seat, email="lin@example.org", role=Role.EDITOR)
    browser.post(f"/projects/{seat.project_id}/invitations/{invitation.pk}/withdraw/")
    answer = Client().get(f"/join/{services.invitation_key(invitation)}/")
    assert answer.status_code == 410
    assert "Ask for a new one" in answer.content.decode()


def test_a_forged_invitation_opens_nothing(db):
    assert Client().get("/join/1:forged/").status_code == 410


def test_only_owners_decide_who_is_in(viewer, seat):
    client = logged_in(viewer)
    User.objects.create_user("grace")
    answer = client.post(f"/projects/{seat.project_id}/people/", {"person": "grace", "role": "owner"})
    assert answer.status_code == 403
    assert "Only owners decide who is in a project" in answer.content.decode()
    assert "Let somebody in" not in client.get(f"/projects/{seat.project_id}/").content.decode()
    assert seat.project.memberships.count() == 2


def test_viewers_may_look_but_not_change(viewer):
    assert membership_or_404(viewer.user, viewer.project_id) == viewer
    with pytest.raises(UserError, match="You may look at “Harbour”, but not change it") as refusal:
        membership_or_404(viewer.user, viewer.project_id, edit=True)
    assert refusal.value.status == 403


def test_a_role_can_be_changed(browser, seat, viewer):
    browser.post(f"/projects/{seat.project_id}/people/{viewer.pk}/role/", {"role": "editor"})
    viewer.refresh_from_db()
    assert viewer.can_edit
    assert actions(seat.project)[-1] == Action.ROLE


def test_the_last_owner_can_neither_leave_nor_step_down(browser, seat):
    answer = browser.post(f"/projects/{seat.project_id}/people/{seat.pk}/remove/")
    assert "A project needs an owner" in answer.content.decode()
    browser.post(f"/projects/{seat.project_id}/people/{seat.pk}/role/", {"role": "viewer"})
    seat.refresh_from_db()
    assert seat.is_owner


def test_everybody_may_leave_and_owners_may_remove(browser, seat, viewer):
    logged_in(viewer).post(f"/projects/{seat.project_id}/people/{viewer.pk}/remove/")
    assert actions(seat.project)[-1] == Action.LEFT
    again = services.add_member(by=seat, user=viewer.user, role=Role.EDITOR)
    browser.post(f"/projects/{seat.project_id}/people/{again.pk}/remove/")
    assert actions(seat.project)[-1] == Action.REMOVED
    assert seat.project.memberships.count() == 1


def test_an_owner_renames_the_project(browser, seat):
    browser.post(f"/projects/{seat.project_id}/rename/", {"name": "Quay"})
    seat.project.refresh_from_db()
    assert seat.project.name == "Quay"
    too_long = browser.post(f"/projects/{seat.project_id}/rename/", {"name": "x" * 81})
    assert "at most 80 letters" in too_long.content.decode()


def test_the_api_lists_and_makes_projects(api):
    made = api.post("/api/v1/projects/", {"name": "Reef"}, content_type="application/json")
    assert made.status_code == 201
    assert made.json() == {"id": made.json()["id"], "name": "Reef", "role": "owner"}
    assert [project["name"] for project in api.get("/api/v1/projects/").json()["results"]] == ["Harbour", "Reef"]


def test_the_api_says_which_field_is_wrong(api):
    answer = api.post("/api/v1/projects/", {}, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "name: This field is required."
