# One image for web and workers. The PostgreSQL and Redis from wheels stay unused: the addresses of real servers are given.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 MERIT_HOME=/data LOG_FORMAT=json
RUN useradd --create-home --uid 10001 merit && install -d -o merit /data
WORKDIR /app

# For workers without a GPU: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu makes a much smaller image.
ARG TORCH_INDEX=""
COPY requirements.txt .
RUN if [ -n "$TORCH_INDEX" ]; then pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"; fi \
    && pip install -r requirements.txt

COPY --chown=merit . .
USER merit
VOLUME /data
EXPOSE 8000

ENV MERIT_PROCESS=web
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': 'localhost'}))"]
CMD ["python", "-m", "uvicorn", "labapp.asgi:application", "--loop", "asyncio", "--host", "0.0.0.0", "--port", "8000", \
    "--no-access-log", "--proxy-headers", "--forwarded-allow-ips", "*"]
