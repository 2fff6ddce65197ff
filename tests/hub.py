"""A stand-in for the Hugging Face Hub's two answers: the list of a repository's files, and the files."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote, urlparse

import polars as pl
import pytest

CARD = """---
configs:
- config_name: birds
  default: true
  data_files:
  - split: train
    path: birds/learn-*.parquet
  - split: test
    path: birds/judge-*.parquet
- config_name: plants
  data_files: plants/*.parquet
---
# Birds and plants
"""


def parquet(*species: str) -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"species": species, "mass": [float(len(name)) for name in species]}).write_parquet(file)
    return file.getvalue()


FILES = {
    "README.md": CARD.encode(),
    "birds.py": b"raise SystemExit('this must never run')",
    "birds/learn-0.parquet": parquet("gentoo", "adelie", "gentoo"),
    "birds/learn-1.parquet": parquet("adelie", "adelie"),
    "birds/judge-0.parquet": parquet("gentoo", "adelie"),
    "plants/train-0.parquet": parquet("rose", "iris"),
}


class Hub(BaseHTTPRequestHandler):
    models: ClassVar[Mapping[str, Mapping[str, bytes]]] = {}
    """Files of each model by their names."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlparse(self.path).path)
        if path == "/api/datasets/nature/life":
            files = [{"rfilename": name, "size": len(file)} for name, file in FILES.items()]
            return self.send(json.dumps({"id": "nature/life", "siblings": files}).encode(), "application/json")
        name = path.removeprefix("/datasets/nature/life/resolve/main/")
        if name in FILES:
            return self.send(FILES[name], "application/octet-stream")
        for model, held in self.models.items():
            if path == f"/api/models/{model}/revision/main":
                told = {"id": model, "sha": "1" * 40, "siblings": [{"rfilename": file} for file in held]}
                return self.send(json.dumps(told).encode(), "application/json")
            if path == f"/api/models/{model}/tree/{'1' * 40}":
                listed = [{"type": "file", "path": file, "size": len(held[file]), "oid": "0" * 40} for file in held]
                return self.send(json.dumps(listed).encode(), "application/json")
            file = path.removeprefix(f"/{model}/resolve/{'1' * 40}/")
            if file in held:
                return self.send(held[file], "application/octet-stream")
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def hub(models: Mapping[str, Mapping[str, bytes]] | None = None) -> Iterator[str]:
    """The address of a running stand-in."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Stocked", (Hub,), {"models": models or {}}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # tests are offline but for this
        yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
