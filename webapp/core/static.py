"""Static files under names that change with their content, so that browsers keep them for ever."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedFiles(ManifestStaticFilesStorage):
    """Also rewrites the imports between ES modules."""

    support_js_module_import_aggregation = True
