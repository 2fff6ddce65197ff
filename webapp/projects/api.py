"""REST for projects."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets

from webapp.projects.access import seats
from webapp.projects.models import Membership, User
from webapp.projects.services import create_project


class ProjectSerializer(serializers.Serializer[Membership]):
    """A project as its member sees it."""

    id = serializers.IntegerField(source="project_id", read_only=True)
    name = serializers.CharField(source="project.name", max_length=80)
    role = serializers.CharField(read_only=True)

    def create(self, validated_data: dict[str, dict[str, str]]) -> Membership:
        """A new project that the caller owns."""
        owner = cast(User, self.context["request"].user)
        return create_project(owner=owner, name=validated_data["project"]["name"])


@extend_schema(tags=["projects"])
class ProjectViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[Membership]):
    """The projects you are in, with your role in each."""

    serializer_class = ProjectSerializer
    queryset = Membership.objects.none()

    def get_queryset(self):  # type: ignore[no-untyped-def]
        """Only one's own seats."""
        return seats(cast(User, self.request.user))
