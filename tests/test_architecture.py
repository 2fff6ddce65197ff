"""Imports go one way, as the design says."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
APPS = ["core", "projects", "datasets", "pretrained", "runs", "playground"]
"""Each may import those before it."""
LAYERS = {"models": 0, "lifecycle": 1, "jobs": 2, "services": 3, "forms": 4, "views": 4, "api": 4, "urls": 5}
"""Inside an app, each may import those with a lower number, and modules without one."""
ENGINE = ("torch", "transformers", "peft", "sklearn", "pandas", "torchvision", "datasets")
CATALOG = ["errors", "registry", "events", "spec", "recipes", "report", "architectures", "tasks"]


def test_the_engine_knows_neither_the_site_nor_django():
    strangers = ("webapp", "django", "celery", "redis")
    assert offenders("training", lambda path, name: name.split(".")[0] in strangers) == []


def test_an_app_imports_only_the_apps_below_it():
    assert [found for app in APPS for found in offenders(f"webapp/{app}", _points_up)] == []


def test_inside_an_app_models_come_before_jobs_before_services_before_views():
    assert [found for app in APPS for found in offenders(f"webapp/{app}", _points_up_inside)] == []


def test_the_site_never_imports_the_engine_s_libraries():
    assert offenders("webapp", lambda path, name: name.split(".")[0] in ENGINE) == []


def test_the_catalog_imports_no_library_of_the_engine_at_its_top():
    files = [path for part in CATALOG for path in sources(f"training/{part}") or [ROOT / f"training/{part}.py"]]
    assert [(path.name, n) for path in files for n in imports(path, whole=False) if n.split(".")[0] in ENGINE] == []


def test_the_site_loads_without_the_engine_s_libraries():
    script = "import sys, webapp.asgi, webapp.urls; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) & {*ENGINE, "numpy", "pyarrow", "polars", "tokenizers"} == set()


def offenders(folder: str, forbidden: Callable[[Path, str], bool]) -> list[str]:
    """Every import below a folder that a rule forbids, as "file imports name"."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name in imports(path)
        if forbidden(path, name)
    ]


def _points_up(path: Path, name: str) -> bool:
    parts = name.split(".")
    return parts[0] == "webapp" and parts[1] in APPS and APPS.index(parts[1]) > APPS.index(_app(path))


def _points_up_inside(path: Path, name: str) -> bool:
    if path.stem not in LAYERS or not name.startswith(f"webapp.{_app(path)}."):
        return False
    return LAYERS.get(name.split(".")[2], -1) > LAYERS[path.stem]


def _app(path: Path) -> str:
    return path.relative_to(ROOT / "webapp").parts[0]


def sources(folder: str) -> list[Path]:
    """The Python files below a folder, migrations left out."""
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]


def imports(path: Path, *, whole: bool = True) -> Iterator[str]:
    """What a file imports, anywhere (`whole`) or as it is loaded; `from a import b` counts as `a.b`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if whole else _loaded(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _loaded(tree: ast.Module) -> list[ast.stmt]:
    """What runs on import; `if TYPE_CHECKING` does not."""
    return [node for node in tree.body if not isinstance(node, ast.If)]
