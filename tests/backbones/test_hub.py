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
from tdseg.backbones.catalogue import OFFLINE, find_entry
from tdseg.backbones.loading import load_backbone, resolve_backbone
from tdseg.errors import Cancelled, TdsegError
from tdseg.runtime.progress import Silent

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(BaseHTTPRequestHandler):
    """Serves one file as the hub does, and counts what it was asked."""

    content = b""
    requests: list[str]
    delay = 0.0
    refuse_get = 0
    gated = 0
    paths = ("/timm/test_vit.r160_in1k/resolve/main/model.safetensors",)

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, body: bool) -> None:
        type(self).requests.append(f"{self.command} {self.path}")
        time.sleep(self.delay)
        found = self.path in self.paths
        refused = (body and self.refuse_get) or self.gated
        found = found and not refused
        self.send_response(200 if found else (self.gated or self.refuse_get) if refused else 404)
        if self.gated:
            self.send_header("X-Error-Code", "GatedRepo")
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


PREFERRED_PATH = "/timm/vit_small_patch14_reg4_dinov2.lvd142m/resolve/main/model.safetensors"


@pytest.fixture
def nothing_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))


def test_a_hub_that_describes_a_file_and_does_not_give_it(server, nothing_elsewhere):
    server.paths, server.refuse_get = (*server.paths, PREFERRED_PATH), 403
    progress = Silent()
    assert resolve_backbone("auto", progress=progress) == OFFLINE
    assert "the offline default" in progress.notes[-1]
    assert "HF_TOKEN" in progress.notes[-1]
    with pytest.raises(TdsegError, match=r"test_vit.r160_in1k are not in .*hub \(HF_HUB_CACHE\)"):
        hub.fetch(find_entry("test_vit.r160_in1k"), Silent())


def test_a_gated_model_says_where_its_licence_is(server, nothing_elsewhere):
    server.gated = 401
    words = rf"{hub.constants.ENDPOINT}/timm/test_vit\.r160_in1k, then set HF_TOKEN"
    with pytest.raises(TdsegError, match=words):
        hub.fetch(find_entry("test_vit.r160_in1k"), Silent())


def test_a_damaged_file_in_the_cache_is_fetched_again_or_named(server, monkeypatch):
    entry = find_entry("test_vit.r160_in1k")
    path = hub.fetch(entry, Silent())
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    assert hub.find_cached(entry) is None
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(TdsegError) as caught:
        hub.fetch(entry, Silent())
    assert f"are damaged ({path})" in str(caught.value)
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    progress = Silent()
    assert hub.fetch(entry, progress).read_bytes() == whole
    assert f"{path} is damaged" in progress.notes[0]
