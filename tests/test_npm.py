"""Third-party scripts are taken as they were pinned, or not at all."""

import hashlib
import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import npm
import pytest


def fake(archive: Path | None) -> object:
    """Return a stand-in for npm that packs a file of ours, or fails."""

    def run(command: list[str], cwd: str, **_: object) -> subprocess.CompletedProcess[str]:
        assert command == ["npm", "pack", "--silent", "some@1.0"]
        if archive is None:
            return subprocess.CompletedProcess(command, 1, "", "npm ERR! no network")
        shutil.copy(archive, cwd)
        return subprocess.CompletedProcess(command, 0, f"{archive.name}\n", "")

    return run


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a package as npm packs them, pinned by its own content."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "package.json").write_text(json.dumps({"name": "some"}))
    made = Path(shutil.make_archive(str(tmp_path / "some-1.0"), "gztar", tmp_path, "package"))
    archive = made.rename(tmp_path / "some-1.0.tgz")
    digest = b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    monkeypatch.setattr(npm, "INTEGRITY", {"some@1.0": digest})
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return archive


def test_a_package_is_unpacked(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", fake(archive))
    with npm.package("some@1.0") as folder:
        assert json.loads((folder / "package.json").read_text()) == {"name": "some"}
    assert not folder.exists()


def test_a_package_of_another_content_is_refused(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npm, "INTEGRITY", {"some@1.0": "0" * 88})
    monkeypatch.setattr(subprocess, "run", fake(archive))
    with pytest.raises(npm.PackageError, match=r"some@1\.0 has the sha512 .*000 is expected"):
        npm.package("some@1.0").__enter__()


def test_what_npm_says_is_passed_on(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", fake(None))
    with pytest.raises(npm.PackageError, match=r"could not fetch some@1\.0: npm ERR! no network"):
        npm.package("some@1.0").__enter__()


def test_without_npm_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(npm.PackageError, match=r"install Node\.js"):
        npm.package("mathjax@3.2.2").__enter__()


def test_a_pinned_content_is_a_sha512() -> None:
    assert {len(digest) for digest in npm.INTEGRITY.values()} == {88}
