"""REST for the catalog."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.core.catalog import Catalog, read_catalog


@extend_schema(operation_id="catalog", tags=["catalog"], responses=Catalog)
@api_view(["GET"])
def catalog(request: Request) -> Response:
    """Tasks and architectures with the JSON schema of their settings, and the recipe's."""
    return Response(read_catalog().model_dump(mode="json"))
