"""The ASGI application that granian serves."""

import os
import re

from webapp.core.lean import leave_out_unused

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
leave_out_unused()

from django.core.asgi import get_asgi_application  # noqa: E402

from webapp.core.bodies import stream_bodies  # noqa: E402
from webapp.core.database import keep_open  # noqa: E402
from webapp.core.limits import limit_bodies  # noqa: E402

UPLOADS = re.compile(r"(/api/v1|/datasets)/uploads/[0-9a-f-]{36}/")

application = limit_bodies(stream_bodies(get_asgi_application(), UPLOADS))
database = keep_open()
