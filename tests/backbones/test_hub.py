from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import timm
import torch
from safetensors.torch import save

from tdseg.backbones import hub
from tdseg.backbones.catalogue import find_entry
from tdseg.backbones.loading import load_backbone
from tdseg.errors import Cancelled, TdsegError
from tdseg.runtime.progress import Silent

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(BaseHTTPRequestHandler):
    """Serves one file as the hub does, and counts what it was asked."""

    content = b""
    requests: list[str]
    delay = 0.0

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, body: bool) -> None:
        type(self).requests.append(f"{self.command} {self.path}")
        time.sleep(self.delay)
        found = self.path == "/timm/test_vit.r160_in1k/resolve/main/model.safetensors"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body and found:
            self.wfile.write(self.content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    network = timm.create_model("test_vit", num_classes=0)
    handler = type("Handler", (_Hub,), {"content": save(network.state_dict()), "requests": []})
    service = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{service.server_port}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    constants = hub.constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(hub, "_checked", {})
    handler.network = network
    yield handler
    service.shutdown()
    service.server_close()


def test_weights_are_downloaded_once_with_a_note_and_then_found_offline(server, monkeypatch):
    entry = find_entry("test_vit.r160_in1k")
    assert hub.find_cached(entry) is None
    progress = Silent()
    backbone = load_backbone("test_vit.r160_in1k", progress=progress)
    assert any("Downloading the weights of test_vit.r160_in1k" in note for note in progress.notes)
    assert (backbone.weights.name, backbone.weights.source) == ("test_vit.r160_in1k", "hub")
    stored = backbone._network.state_dict()
    assert all(torch.equal(stored[k], v) for k, v in server.network.state_dict().items())
    count = len(server.requests)
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    assert hub.fetch(entry, Silent()) == hub.find_cached(entry)
    assert len(server.requests) == count


def test_the_user_can_stop_a_download(server):
    class Stop(Silent):
        def update(self, fraction: float, message: str = "") -> None:
            raise Cancelled()

    with pytest.raises(Cancelled):
        hub.fetch(find_entry("test_vit.r160_in1k"), Stop())


def test_a_file_that_the_hub_does_not_have_is_no_reason_to_hang_or_to_fall_back(server):
    entry = find_entry("dinov2_s")
    assert "did not give them" in str(hub.why_unreachable(entry))
    with pytest.raises(TdsegError, match="weights of backbone dinov2_s are not in"):
        hub.fetch(entry, Silent())


def test_a_silent_hub_is_given_up_and_remembered(server, monkeypatch):
    monkeypatch.setattr(hub, "_CHECK_SECONDS", 0.2)
    server.delay = 1.0
    entry = find_entry("dinov2_s")
    reason = hub.why_unreachable(entry)
    assert reason is not None
    asked = len(server.requests)
    assert hub.why_unreachable(entry) == reason
    assert len(server.requests) <= max(asked, 1)


def test_names_on_the_hub():
    assert hub.hub_file(find_entry("dinov2_s_reg")) == (
        "timm/vit_small_patch14_reg4_dinov2.lvd142m",
        "model.safetensors",
    )
    assert hub.hub_file(find_entry("dinov3_convnext_t"))[0] == "timm/convnext_tiny.dinov3_lvd1689m"
