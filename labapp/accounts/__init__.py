"""People, teams, roles, invitations and API tokens; access.py is the one place of rights."""
