# The API and, with another command, the hooks worker: no torch, no model.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /srv
COPY pyproject.toml LICENSE ./
COPY app ./app
COPY worker ./worker
# This folder's own package; pyproject.toml holds the pins.
# hadolint ignore=DL3013
RUN pip install '.[api,otel]' \
    && useradd --uid 10001 --no-create-home magic141
USER 10001

# Inside a container loopback is nobody's: who may reach the port is decided where it is published.
ENV MAGIC141_HOST=0.0.0.0 \
    MAGIC141_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=3)"]
CMD ["python", "-m", "app.serve"]
