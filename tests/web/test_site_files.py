"""The page as static files: what is written, where it may be written, and that nothing in it points elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from parsing.__main__ import main
from parsing.web.site.build import LIST, LIST_BEGINS, listed, site_files, write_site

FILES = site_files()
PAGE = FILES["index.html"].decode()
RUNTIMES = ("device/ort.js", "device/ort.gpu.js")
WRITTEN_HERE = [name for name in FILES if name.endswith((".html", ".css", ".js", ".json")) and name not in RUNTIMES]


def list_of(files: dict[str, bytes]) -> dict[str, Any]:
    """What `version.js` says."""
    return json.loads(files[LIST].decode().removeprefix(LIST_BEGINS).rstrip(";\n"))


class Addresses(HTMLParser):
    """Every address in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attributes if name in ("src", "href") and value]


def test_every_address_is_that_of_a_file_beside_it() -> None:
    found = Addresses(PAGE).found
    assert len(found) > 30
    assert set(found) - FILES.keys() == set()


def test_what_the_first_picture_takes_is_asked_for_before_the_scripts_run() -> None:
    early = set(re.findall(r'<link rel="(?:modulepreload|preload|stylesheet)" href="([^"]+)"', PAGE))
    assert early > {"examples/astronaut.jpg", "site/first.packed", "site/content.json", "site/first.js", "site/styles.css"}
    assert not any(name.endswith("worker.js") for name in early)


@pytest.mark.parametrize("name", WRITTEN_HERE)
def test_nothing_points_to_another_host_or_to_the_top_of_this_one(name: str) -> None:
    assert (
        re.findall(
            r"""(?:https?:)?//[\w-]+\.[\w.-]+|(?:src|href|url\(|import |from |fetch\()\s*=?\s*["']/""", FILES[name].decode()
        )
        == []
    )


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js") and name not in (*RUNTIMES, LIST)])
def test_every_module_that_is_imported_is_there(name: str) -> None:
    for imported in re.findall(r"""^import .*?from "([^"]+)";$""", FILES[name].decode(), re.MULTILINE):
        parts: list[str] = name.split("/")[:-1]
        for part in imported.split("/"):
            parts = parts[:-1] if part == ".." else parts if part == "." else [*parts, part]
        assert "/".join(parts) in FILES


def test_the_policy_allows_this_host_and_webassembly_and_nothing_else() -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', PAGE)
    rules = {words[0]: words[1:] for words in map(str.split, policy.split(";"))}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    allowed = {"'none'", "'self'", "'wasm-unsafe-eval'", "blob:", "data:"}
    assert {source for sources in rules.values() for source in sources} <= allowed
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", PAGE)


def test_the_list_names_every_file_with_its_checksum() -> None:
    said = list_of(FILES)
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items() if name in said["files"]}
    assert said["files"] == sums
    assert {*said["files"], *said["others"], LIST} == FILES.keys()
    assert list_of(listed({**FILES, "README.md": b""}))["version"] != said["version"]


def test_english_words_keep_the_place_of_a_visitors_own() -> None:
    words = json.loads(FILES["site/content.json"])["texts"]["en"]
    kept = re.findall(r'data-text="([^"]+)"[^>]*>([^<]*)</', PAGE)
    assert len(kept) > 30
    assert [(key, unescape(text)) for key, text in kept] == [(key, words[key]) for key, _ in kept]


def test_both_languages_say_the_same_things() -> None:
    texts = json.loads(FILES["site/content.json"])["texts"]
    assert list(texts) == ["en", "zh-CN"]
    assert texts["en"].keys() == texts["zh-CN"].keys()
    named = set(re.findall(r'data-(?:text|label)="([^"]+)"', PAGE))
    assert named - texts["en"].keys() == set()


def test_a_static_space_reads_the_head_of_the_readme() -> None:
    head = FILES["README.md"].decode().split("---\n")[1]
    assert "\nsdk: static\n" in head
    assert "cross-origin-embedder-policy: require-corp" in head


@pytest.mark.parametrize("where", ["new", "new/er", "empty", "hidden"])
def test_it_is_written_into_a_new_or_an_empty_folder(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "hidden" / ".git").mkdir(parents=True)
    write_site(FILES, tmp_path / where)
    written = {
        path.relative_to(tmp_path / where).as_posix(): path.read_bytes()
        for path in (tmp_path / where).rglob("*")
        if path.is_file()
    }
    assert written == FILES


def test_an_earlier_site_is_replaced_and_nothing_else_is_removed(tmp_path: Path) -> None:
    before = {
        **FILES,
        "viewer/old.js": b"",
        LIST: LIST_BEGINS.encode() + json.dumps({"files": {"viewer/old.js": "", "../own.txt": ""}, "others": []}).encode(),
    }
    (tmp_path / "own.txt").touch()
    write_site(before, tmp_path / "site")
    (tmp_path / "site" / "CNAME").touch()
    write_site(FILES, tmp_path / "site")
    assert not (tmp_path / "site" / "viewer" / "old.js").exists()
    assert (tmp_path / "own.txt").exists()
    assert (tmp_path / "site" / "CNAME").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "FOLDER"),
        (["full"], "The folder 'full' holds something else than a site; name a new or an empty one."),
        (["full/photo.jpg"], "'photo.jpg' is a file; name a folder for the site."),
        (["full/photo.jpg/site"], "The folder 'site' cannot be written: Not a directory."),
        (["foreign"], "The folder 'foreign' holds something else than a site"),
        (["new", "--no-such"], "--no-such"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("full/photo.jpg", f"foreign/{LIST}"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text("somebody's")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as ending:
        main(["site", *words])
    assert ending.value.code == 2
    output = capsys.readouterr()
    assert said in output.err
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert sorted(tmp_path.rglob("*")) == before


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("parsing.__main__.site", interrupt)
    assert main(["site", "out"]) == 130
    assert capsys.readouterr() == ("", "")


def test_the_base_alone_writes_it(tmp_path: Path) -> None:
    missing = dict.fromkeys(("torch", "gradio", "fastapi", "uvicorn", "starlette"))
    program = f"import sys; sys.modules.update({missing}); from parsing.__main__ import main; sys.exit(main(['site', 'out']))"
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"out: \d+ files, \d+ MB\. To look at it: .*\n", ended.stdout)
    assert (tmp_path / "out" / "index.html").is_file()
