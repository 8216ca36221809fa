"""A wheel, installed far from any checkout, can migrate a database and serve the page."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.fixtures.postgres import Database

from floorcast.database import migrate
from floorcast.database.sources import find_sources
from floorcast.http.assets import Assets

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "service" / "floorcast"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the hatchling that is installed: no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)], cwd=ROOT)
    return next(folder.glob("*.whl"))


def test_a_wheel_carries_all_sql_and_every_file_of_the_package(wheel: Path) -> None:
    """What is read beside the code at run time must be installed beside it."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    sources = find_sources()
    sql = {f"floorcast/sql/schema/{path.name}" for path in sources.schema.glob("*.sql")} | {
        f"floorcast/sql/triggers/{path.relative_to(sources.triggers).as_posix()}"
        for path in sources.triggers.rglob("*.sql")
    }
    files = {
        f"floorcast/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert sql - packed == set()
    assert files - packed == set()
    assert "floorcast/Procfile" in packed


def test_an_installed_page_serves_the_source_of_the_npm_package(wheel: Path, tmp_path: Path) -> None:
    """Byte for byte, as a checkout's does; and what the package takes from its peer is the peer's, with its licence."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    installed = tmp_path / "floorcast" / "http" / "page"
    source = {path.name: path.read_bytes() for path in (ROOT / "clients" / "js" / "src").iterdir()}
    assert {path.name: path.read_bytes() for path in (installed / "client").iterdir()} == source
    modules = {f"client/{name}": body for name, body in source.items() if name.endswith(".js")}
    assert modules != {}
    for assets in (Assets(), Assets(installed, tmp_path / "nowhere")):
        assert {name: assets.body(name) for name in modules} == modules
    assert "MIT License" in (installed / "vendor" / "phoenix.LICENSE.md").read_text()


def test_the_page_has_the_phoenix_package_as_it_is_published() -> None:
    """The very file that the tests of the package have as its peer."""
    peer = ROOT / "tests" / "js" / "node_modules" / "phoenix" / "priv" / "static" / "phoenix.mjs"
    if not peer.exists():
        pytest.skip("the JavaScript clients are not installed; tests/install_node.sh does that")
    assert (PACKAGE / "http" / "page" / "vendor" / "phoenix.js").read_bytes() == peer.read_bytes()


def test_an_installed_wheel_migrates_a_database(wheel: Path, tmp_path: Path, empty_database: Database) -> None:
    """From another folder, with nothing of the checkout in sight but the libraries."""
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, "--no-deps", "--no-index", "--target", str(installed), str(wheel)], cwd=tmp_path)
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "FLOORCAST_OWNER_DATABASE_URL": empty_database.owner_url,
    }
    where = _run([sys.executable, "-c", "import floorcast; print(floorcast.__file__)"], cwd=tmp_path, env=environment)
    done = _run([sys.executable, "-m", "floorcast", "migrate", "up"], cwd=tmp_path, env=environment)
    assert where.strip() == str(installed / "floorcast" / "__init__.py")
    assert "Applied 0001_namespaces_and_roles." in done
    assert migrate.status(empty_database.owner_url).is_current


def _run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; what it complains about is in the failure."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
