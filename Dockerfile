# The pinned packages rarely change, so they have a stage and a layer of their own.
FROM python:3.11-slim-bookworm AS packages

RUN python -m venv /srv/venv
ENV PATH=/srv/venv/bin:$PATH
COPY requirements.lock /tmp/
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r /tmp/requirements.lock


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="nobody" \
      org.opencontainers.image.description="Faces of people who do not exist, 16×16 pixels at a time" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="MIT"

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin service \
    && install --directory --owner=service --group=service --mode=0700 /data

COPY --from=packages /srv/venv /srv/venv
ENV PATH=/srv/venv/bin:$PATH

WORKDIR /srv/nobody
COPY pyproject.toml setup.py ./
COPY app app
COPY models models
COPY static static
COPY weights weights
# Editable: the code is in the image once, with weights/ and static/ beside it.
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable .

ENV NOBODY_HOST=0.0.0.0 \
    NOBODY_PORT=8000 \
    NOBODY_DATA=/data \
    PYTHONUNBUFFERED=1

# A number, so that a cluster can tell that this is not root.
USER 10001
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-P", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"NOBODY_PORT\"]}/readyz', timeout=4)"]

CMD ["nobody", "serve"]
