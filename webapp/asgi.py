"""The ASGI application that granian serves."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

from webapp.core.limits import limit_bodies

application = limit_bodies(get_asgi_application())
