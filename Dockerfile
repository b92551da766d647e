# Two images. `full`, the default, serves and trains. `faces` has no TensorFlow: it serves faces and pages, and jobs
# that workers elsewhere train (NOBODY_DATABASE_URL).
#   docker build -t nobody .
#   docker build -t nobody-faces --target faces .
# The CPU build of TensorFlow exists for x86-64 only; elsewhere: --build-arg TRAINING=requirements.lock
ARG TRAINING=requirements-cpu.lock

# --- packages: they rarely change, so they have layers of their own ---------------------------------------------------

FROM python:3.11-slim-bookworm AS packages

RUN python -m venv /srv/venv
ENV PATH=/srv/venv/bin:$PATH
COPY requirements-faces.lock /tmp/
# Without bytecode, of which an image below keeps what it uses, and without the packages' own tests.
RUN pip install --no-cache-dir --disable-pip-version-check --no-compile --no-deps --require-hashes \
        -r /tmp/requirements-faces.lock \
    && find /srv/venv -type d -name tests -prune -exec rm -r {} +


FROM packages AS code

WORKDIR /tmp/nobody
COPY pyproject.toml setup.py ./
COPY app app
COPY models models
COPY static static
COPY weights weights
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --target /srv/nobody .


FROM packages AS faces-packages

RUN rm -r /srv/venv/lib/python3.11/site-packages/pip /srv/venv/lib/python3.11/site-packages/setuptools


FROM packages AS full-packages

ARG TRAINING
COPY ${TRAINING} /tmp/training.lock
# The headers are for who compiles operations of his own.
RUN pip install --no-cache-dir --disable-pip-version-check --no-compile --no-deps --require-hashes \
        -r /tmp/training.lock \
    && find /srv/venv -type d -name tests -prune -exec rm -r {} + \
    && rm -r /srv/venv/lib/python3.11/site-packages/pip /srv/venv/lib/python3.11/site-packages/tensorflow/include


# --- images -----------------------------------------------------------------------------------------------------------

FROM python:3.11-slim-bookworm AS service

LABEL org.opencontainers.image.title="nobody" \
      org.opencontainers.image.description="Faces of people who do not exist, 16×16 pixels at a time" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="MIT"

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin service \
    && install --directory --owner=service --group=service --mode=0700 /data

ENV PATH=/srv/nobody/bin:/srv/venv/bin:$PATH \
    PYTHONPATH=/srv/nobody \
    PYTHONUNBUFFERED=1 \
    NOBODY_HOST=0.0.0.0 \
    NOBODY_PORT=8000 \
    NOBODY_DATA=/data

WORKDIR /data
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-P", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"NOBODY_PORT\"]}/readyz', timeout=4)"]

CMD ["nobody", "serve"]


FROM service AS faces

COPY --from=faces-packages /srv/venv /srv/venv
COPY --from=code /srv/nobody /srv/nobody
# Leaves the bytecode of what the service imports.
RUN NOBODY_DATA=/tmp/data python -c "import app.web.server, app.main; app.main.app" && rm -rf /tmp/data
# A number, so that a cluster can tell that this is not root.
USER 10001


FROM service AS full

COPY --from=full-packages /srv/venv /srv/venv
COPY --from=code /srv/nobody /srv/nobody
RUN NOBODY_DATA=/tmp/data python -c "import app.web.server, app.main; app.main.app" && rm -rf /tmp/data \
    && NOBODY_DATA=/tmp/data python -c "import app.quiet_tensorflow, app.jobs.worker.worker, app.jobs.trainer.session"
USER 10001
