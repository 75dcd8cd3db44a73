# One image with two programs: loadtest-operator and loadgen. Nothing that builds is left in it.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/loadtest
COPY requirements.lock requirements-build.lock ./
RUN /build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
 && /build/bin/pip --python /opt/loadtest/bin/python install --no-cache-dir --no-compile --require-hashes \
      --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE hatch_build.py ./
COPY model model
COPY control control
COPY live live
COPY loadgen loadgen
COPY operator operator
COPY plugin plugin
RUN /build/bin/pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /wheel . \
 && /build/bin/pip --python /opt/loadtest/bin/python install --no-cache-dir --no-compile --no-index --no-deps \
      /wheel/*.whl
COPY tools/trim_image.py ./
RUN /opt/loadtest/bin/python trim_image.py
# Layers round a file's time to seconds. Bytecode that is checked against it would often count as stale, and with
# a read-only root be compiled anew at every start.
RUN python3 -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /opt/loadtest/lib

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/loadtest /opt/loadtest
ENV PATH=/opt/loadtest/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
CMD ["loadtest-operator", "run"]
