# The page in a container:
#
#     docker build -t human-parsing .
#     docker run --rm -p 7860:7860 -v human-parsing:/home/app/.cache human-parsing
#
# The embedded model needs no network. M2FP's weights (CC BY-NC 4.0: no commercial use) are fetched into the volume while it
# answers; `--build-arg WITH_M2FP=1` puts them into the image instead, from ModelScope or from `--build-arg PARSING_MIRROR=...`.
# `--target reference` adds ModelScope's own pipeline. `tools/prove_dockerfile.py` runs this file where there is no Docker.

# Python 3.10 with ModelScope's own pipeline. mmcv-full is compiled, which takes minutes; nothing else needs this stage.
FROM python:3.10-slim-bookworm AS modelscope

RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-reference.txt ./
# Where PyTorch's own index is out of reach, it is asked once and briefly, and plain pip takes over; so below.
RUN (pip install --no-cache-dir --retries 0 --timeout 10 --extra-index-url https://download.pytorch.org/whl/cpu \
        $(sed -n 's/^torch.*/&+cpu/p' requirements-reference.txt) \
        || echo "PyTorch's CPU index is out of reach; plain pip takes over.") \
    && grep -v '^mmcv-full' requirements-reference.txt | pip install --no-cache-dir -r /dev/stdin \
    && MMCV_WITH_OPS=1 pip install --no-cache-dir --no-build-isolation -r requirements-reference.txt

FROM python:3.11-slim-bookworm AS app

WORKDIR /home/app/human-parsing
COPY packages.txt pre-requirements.txt requirements.txt ./
# A C compiler, for M2FP's kernels, which are compiled where they run.
RUN apt-get update \
    && xargs --arg-file=packages.txt apt-get install --yes --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*
RUN (pip install --no-cache-dir --retries 0 --timeout 10 -r pre-requirements.txt \
        || echo "PyTorch's CPU index is out of reach; plain pip takes over.") \
    && pip install --no-cache-dir -r requirements.txt

RUN useradd app && install --directory --owner=app --group=app /home/app /home/app/.cache

COPY LICENSE NOTICE app.py ./
COPY parsing parsing
COPY assets assets

ARG WITH_M2FP=
ARG PARSING_MIRROR=
# Beside the volume, which may come from an earlier image. CC=false: kernels compiled here would be for this machine's processor.
RUN if [ -n "$WITH_M2FP" ]; then \
        PARSING_CACHE=/opt/weights CC=false python -c "import parsing; parsing.load('m2fp')"; \
    fi
ENV PARSING_WEIGHTS=${WITH_M2FP:+/opt/weights/m2fp}

USER app
ENV PARSING_HOST=0.0.0.0 PARSING_PORT=7860
EXPOSE 7860
VOLUME /home/app/.cache
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PARSING_PORT\"]}/health', timeout=4)"]
CMD ["python", "app.py"]

FROM app AS reference
COPY --from=modelscope /usr/local /opt/modelscope
ENV PARSING_REFERENCE=/opt/modelscope/bin/python3.10

# What is built where no target is named.
FROM app
