"""The ASGI application that granian serves."""

import os
import re

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

from webapp.core.bodies import stream_bodies
from webapp.core.database import keep_open
from webapp.core.limits import limit_bodies

UPLOADS = re.compile(r"/datasets/uploads/[0-9a-f-]{36}/")

application = limit_bodies(stream_bodies(get_asgi_application(), UPLOADS))
database = keep_open()
