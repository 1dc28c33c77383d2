# A worker with its engine. The torch of the default index brings the whole CUDA runtime, so a GPU needs nothing but
# the host's driver (NVIDIA container toolkit). It runs on a CPU too; for an image some gigabytes smaller there:
#   --build-arg TORCH_INDEX=URL, PyTorch's index of CPU builds
# BASE may name a CUDA image instead, as long as it has Python 3.11 or newer with pip.
ARG BASE=python:3.11-slim
FROM ${BASE}

ARG TORCH_INDEX=
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    MALLOC_ARENA_MAX=1 \
    MALLOC_TRIM_THRESHOLD_=536870912 \
    MALLOC_MMAP_THRESHOLD_=16777216 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video

# Alone and first: the largest layer by far, and the one that changes least.
# Pinned; hadolint does not see through the expansion.
# hadolint ignore=DL3013
RUN pip install ${TORCH_INDEX:+--index-url "${TORCH_INDEX}"} torch==2.13.0

WORKDIR /srv
COPY pyproject.toml LICENSE ./
COPY worker ./worker
COPY model ./model
# This folder's own package; pyproject.toml holds the pins.
# hadolint ignore=DL3013
RUN pip install '.[worker,families,otel]' \
    && useradd --uid 10001 --create-home magic141
USER 10001

# The host name is the container's id: every replica has a name of its own.
CMD ["sh", "-c", "exec python -m worker.main --name \"$HOSTNAME\""]
