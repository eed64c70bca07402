# The page in a container: docker build -t human-parsing . && docker run --rm -p 7860:7860 human-parsing
# The embedded model needs no network. M2FP's weights, where they are asked for, go to /home/app/.cache: keep it in a volume.
FROM python:3.12-slim

RUN useradd --create-home app
WORKDIR /home/app/human-parsing

COPY requirements.txt .
# The CPU build of PyTorch: the default one for Linux brings gigabytes of CUDA.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' requirements.txt)" \
    && pip install --no-cache-dir -r requirements.txt

COPY app.py .
COPY parsing parsing
COPY assets assets

USER app
ENV PARSING_HOST=0.0.0.0 PARSING_PORT=7860
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["python", "app.py"]
