"""Static files under names that change with their content, so that browsers keep them for ever."""

from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

UNUSED = "django_htmx/ext/"
"""Extensions of htmx that no page loads; comments in them look like imports of files that are not there."""


class HashedFiles(ManifestStaticFilesStorage):
    """Also rewrites the imports between ES modules."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        used = {name: path for name, path in paths.items() if not name.startswith(UNUSED)}
        yield from super().post_process(used, dry_run, **options)
