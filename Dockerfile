# One image for every part of Bairro; the command says which: collect, serve, build, demo-agents, ...
ARG PYTHON_VERSION=3.13
FROM python:${PYTHON_VERSION}-slim AS build
RUN python -m venv /opt/bairro
ENV PATH=/opt/bairro/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock ./
RUN pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE bairro.py bairro_error.py settings_file.py recurrence.py ./
COPY collector collector
COPY dashboard dashboard
COPY demo demo
RUN pip install --quiet --no-deps --no-build-isolation . && pip check

FROM python:${PYTHON_VERSION}-slim
# The official image brings SQLite's library; some rebuilt ones leave it out.
RUN python -c "import sqlite3" 2>/dev/null \
 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends libsqlite3-0 && rm -rf /var/lib/apt/lists/*; }
# A fixed id, so that the owner of a bind-mounted folder can be set from outside.
RUN groupadd --gid 10001 bairro \
 && useradd --uid 10001 --gid bairro --no-create-home --home-dir /srv/bairro --shell /usr/sbin/nologin bairro \
 && install -d -o bairro -g bairro /srv/bairro
COPY --from=build /opt/bairro /opt/bairro
COPY deploy/docker/entrypoint.sh /usr/local/bin/bairro-entrypoint
COPY deploy/docker/provider.sh /usr/local/bin/bairro-provider
COPY deploy/docker/repeat.sh /usr/local/bin/bairro-repeat
COPY deploy/docker/healthy.py /usr/local/lib/bairro-healthy.py
ENV PATH=/opt/bairro/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp
USER bairro
WORKDIR /srv/bairro
# Bairro's processes handle SIGTERM themselves; the entrypoint replaces itself with them.
ENTRYPOINT ["bairro-entrypoint"]
CMD ["--help"]
# Set BAIRRO_HEALTH_URL where the command serves HTTP; without it the container counts as healthy while it runs.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["python", "/usr/local/lib/bairro-healthy.py"]
