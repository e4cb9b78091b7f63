# One image for web, worker, scheduler and the migration: docker-compose.yml says which.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    UV_PYTHON_DOWNLOADS=never

WORKDIR /app

COPY requirements-uv.lock requirements-runtime.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-uv.lock \
    && uv pip install --system --no-cache --no-deps --require-hashes -r requirements-runtime.lock

COPY pyproject.toml README.md ./
COPY service service
COPY jobs jobs
COPY records records
COPY mappings mappings
COPY moodle_client moodle_client
COPY moodle_plugin moodle_plugin
COPY deploy/healthcheck.py deploy/healthcheck.py
RUN uv pip install --system --no-cache --no-deps --no-build-isolation \
        --config-settings editable_mode=compat --editable . \
    && useradd --system --uid 10001 --no-create-home copbridge

USER copbridge
EXPOSE 8080
ENTRYPOINT ["copbridge"]
CMD ["web", "--bind", "0.0.0.0:8080"]
