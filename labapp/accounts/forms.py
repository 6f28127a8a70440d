"""The small forms of the accounts room."""

from typing import ClassVar

from django import forms

from labapp.accounts.models import ApiToken, Role, Team, User


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(required=False, label="E-mail", help_text="Empty: whoever has the link may join, once.")
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    """A role from the list."""

    role = forms.ChoiceField(choices=Role.choices)


class TeamForm(forms.ModelForm[Team]):
    """What of a team can be changed."""

    class Meta:
        model = Team
        fields = ("name",)


class TokenForm(forms.ModelForm[ApiToken]):
    """What a new API token is for."""

    class Meta:
        model = ApiToken
        fields = ("name",)
        help_texts: ClassVar[dict[str, str]] = {"name": "What the program is, such as notebook or sweep script."}


class ProfileForm(forms.ModelForm[User]):
    """What people say of themselves."""

    class Meta:
        model = User
        fields = ("name",)
