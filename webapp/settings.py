"""Settings for one machine or many; what differs comes from the environment.

Embedded default: SQLite and a private Redis below TOUCHSTONE_DATA. `DATABASE_URL` and `REDIS_URL` alone switch to a
PostgreSQL and a Redis that somebody else runs.
"""

import os
from importlib.metadata import distribution
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_INLINE

from webapp.core.redis_server import socket_path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("TOUCHSTONE_DATA", BASE_DIR / "var")).resolve()


def _secret_key() -> str:
    """The environment's key, or one made once for this data folder."""
    if key := os.environ.get("TOUCHSTONE_SECRET_KEY"):
        return key
    path = DATA_DIR / "secret-key"
    if not path.exists():
        from django.core.management.utils import get_random_secret_key

        DATA_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text()


def _list(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


DEBUG = os.environ.get("TOUCHSTONE_DEBUG") == "1"
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = _list("TOUCHSTONE_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _list("TOUCHSTONE_ORIGINS", "")
HTTPS = os.environ.get("TOUCHSTONE_HTTPS") == "1"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "heroicons",
    "js_lib_bootstrap5",
    "knox",
    "rest_framework",
    "webapp.core",
    "webapp.projects",
    "webapp.datasets",
    "webapp.pretrained",
    "webapp.runs",
    "webapp.playground",
]

MIDDLEWARE = [
    "webapp.core.counting.count_requests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "webapp.core.middleware.FriendlyErrors",  # before allauth, whose own exceptions it must not see
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.projects.context.current_project",
            ],
            "builtins": ["heroicons.templatetags.heroicons", "webapp.core.templatetags.touchstone"],
        },
    }
]

DATABASES = {
    "default": dj_database_url.config(default=f"sqlite:///{DATA_DIR / 'touchstone.sqlite3'}", conn_health_checks=True)
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}  # a file, for processes beside the test
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4000;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", f"unix://{socket_path(DATA_DIR)}")

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "staticfiles": {"BACKEND": "webapp.core.static.HashedFiles"},
}
if bucket := os.environ.get("TOUCHSTONE_S3_BUCKET"):
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": os.environ.get("TOUCHSTONE_S3_ENDPOINT"),
            "querystring_auth": True,
        },
    }
STATIC_URL = "/static/"
PLOTLY = Path(str(distribution("plotly").locate_file("plotly/package_data")))  # not imported: only its script is wanted
STATIC_ROOT = Path(os.environ.get("TOUCHSTONE_STATIC", DATA_DIR / "static"))
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("plotly", PLOTLY),
]
AUTH_USER_MODEL = "projects.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "webapp.projects.passwords.RarePasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("TOUCHSTONE_PROXIES", "0"))  # log-ins are throttled by address
ACCOUNT_SIGNUP_OPEN = os.environ.get("TOUCHSTONE_SIGNUP") == "1"
ACCOUNT_ADAPTER = "webapp.projects.accounts.AccountAdapter"
EMAIL_BACKEND = os.environ.get("TOUCHSTONE_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = os.environ.get("TZ", "UTC")
USE_TZ = True

CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, UNSAFE_INLINE],  # Plotly injects styles
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

UPLOAD_LIMIT = int(os.environ.get("TOUCHSTONE_UPLOAD_LIMIT", 5 * 10**9))
UPLOAD_CHUNK = 32 * 2**20
HUB_ENDPOINT = os.environ.get("TOUCHSTONE_HUB", "")
"""Another address of the Hugging Face Hub, such as a mirror; empty: its own."""
PROJECT_QUOTA = int(os.environ.get("TOUCHSTONE_PROJECT_QUOTA", 50 * 10**9))
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "arriving"  # on the disk of the data, so that a whole file is moved, not copied
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
CPU_SLOTS = int(os.environ.get("TOUCHSTONE_CPU_SLOTS", "1"))

METRICS_TOKEN = os.environ.get("TOUCHSTONE_METRICS_TOKEN", "")

CACHES = {"default": {"BACKEND": "webapp.core.cache.ForgetfulCache", "LOCATION": REDIS_URL}}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "webapp.projects.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "webapp.core.api.Pages",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "webapp.core.api.error_response",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": os.environ.get("TOUCHSTONE_API_RATE", "1200/min")},
}
KNOX_TOKEN_MODEL = "projects.Token"
MIGRATION_MODULES = {"knox": None}  # its own table of tokens would never be used, and PostgreSQL cannot flush around it
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "Touchstone",
    "VERSION": "1",
    "DESCRIPTION": "Train, compare and try machine-learning models.",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "GET_MOCK_REQUEST": "webapp.core.openapi.pretended_request",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "DatasetStatus": "webapp.datasets.models.Dataset.Status",
        "RevisionStatus": "webapp.datasets.models.Revision.Status",
        "RunStatus": "webapp.runs.models.Run.Status",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": os.environ.get("TOUCHSTONE_LOG_LEVEL", "INFO")},
}
