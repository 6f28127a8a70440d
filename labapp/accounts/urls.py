"""Addresses of people and teams; allauth's own follow under the same prefix."""

from django.urls import path

from labapp.accounts import entry, keys, people

urlpatterns = [
    path("local/<str:secret>/", entry.local, name="local"),
    path("join/<str:secret>/", entry.join, name="join"),
    path("team/", people.team, name="team"),
    path("team/rename/", people.rename, name="team-rename"),
    path("team/choose/", people.choose, name="team-choose"),
    path("team/invite/", people.make_invitation, name="team-invite"),
    path("team/invitations/<int:pk>/withdraw/", people.withdraw, name="team-withdraw"),
    path("team/members/<int:pk>/role/", people.change_role, name="team-role"),
    path("team/members/<int:pk>/remove/", people.remove, name="team-remove"),
    path("tokens/", keys.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", keys.revoke, name="token-revoke"),
    path("profile/", keys.profile, name="profile"),
]
