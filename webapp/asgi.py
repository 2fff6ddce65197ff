"""The ASGI application that granian serves."""

import gc
import os
import re

from webapp.core.lean import leave_out_unused

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
leave_out_unused()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from webapp.core.bodies import stream_bodies  # noqa: E402
from webapp.core.database import keep_open  # noqa: E402
from webapp.core.limits import limit_bodies  # noqa: E402

UPLOADS = re.compile(r"(/api/v1|/datasets)/uploads/[0-9a-f-]{36}/")

application = limit_bodies(stream_bodies(get_asgi_application(), UPLOADS))
database = keep_open()

_routes = get_resolver().url_patterns  # every view is imported now, not by the first request
gc.collect()
gc.freeze()  # what stays for good is looked at no more: what comes and goes is freed sooner
