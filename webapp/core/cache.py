"""The cache, which forgets while Redis is away instead of taking the site down with it."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class ForgetfulCache(RedisCache):
    """Holds only what may be lost: throttling of log-ins and of the API."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """What is remembered, else `default`."""
        return _or(default, lambda: super(ForgetfulCache, self).get(key, default, version))

    def set(self, key: str, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        """Remember it if possible."""
        _or(None, lambda: super(ForgetfulCache, self).set(key, value, timeout, version))

    def add(self, key: str, value: Any, timeout: Any = 300, version: int | None = None) -> bool:
        """Remember it unless there is something already; true when Redis is away."""
        return bool(_or(True, lambda: super(ForgetfulCache, self).add(key, value, timeout, version)))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget it."""
        return bool(_or(False, lambda: super(ForgetfulCache, self).delete(key, version)))


def _or(otherwise: Any, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except RedisError as error:
        logger.warning("The cache is away: %s", error)
        return otherwise
