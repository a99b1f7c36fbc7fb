"""What holds the package together: exports, imports, layers, packages, sizes."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import agentmem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SOURCES = {
    "agentmem": ROOT / "agentmem",
    "agentmem.stores": ROOT / "stores",
    "agentmem.evals": ROOT / "evals",
}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

HEAVY = (
    "torch",
    "faiss",
    "openai",
    "langchain_core",
    "networkx",
    "onnxruntime",
    "scipy",
    "sentence_transformers",
)

# From the ground up; a module imports from its own floor or from a lower one.
FLOORS: list[set[str]] = [
    {"clock", "errors", "memory"},
    {"backends", "decay", "embed", "filters", "index", "language", "overlap", "validate"},
    {
        "async_source", "async_twins", "facts", "fading", "finding", "listing", "messages", "opening",
        "recall", "runtime", "staleness", "store", "upkeep", "writing",
    },
    {"stores"},
    {
        "", "__main__", "agent", "cli", "demo", "evals", "integrations", "interchange", "testing",
        "testing_openai",
    },
]  # fmt: skip

LONGER_THAN_400 = {
    "agentmem/store.py": "the whole public interface in one place, most of it documentation",
    "agentmem/async_twins.py": "generated from store.py",
    "agentmem/backends/base.py": "the whole contract of a backend, most of it documentation",
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package: its name and its file, in its own folder."""
    for name, folder in SOURCES.items():
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            if name == "agentmem" and parts[0] in ("stores", "evals"):
                continue
            yield ".".join((name, *parts)).removesuffix(".__init__"), file


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """What a file imports of agentmem, at any depth, except for types only."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):  # what is imported for type checkers only is no arrow
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "agentmem":
            for alias in node.names:
                is_module = (ROOT / "agentmem" / alias.name).is_dir() or (
                    ROOT / "agentmem" / f"{alias.name}.py"
                ).is_file()
                yield node.lineno, f"agentmem.{alias.name}" if is_module else "agentmem"
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("agentmem."):
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.split(".")[0] == "agentmem")


def floor(module: str) -> int:
    """The floor a module stands on."""
    room = [*module.split("."), ""][1]
    found = [i for i, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"say in FLOORS on which floor {module} stands"
    return found[0]


# --- what is exported ------------------------------------------------------------------------------
def test_what_is_exported_is_there() -> None:
    public = {
        name
        for name, value in vars(agentmem).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("agentmem")
    }
    assert public | {"Namespace", "__version__"} == set(agentmem.__all__)
    assert list(agentmem.__all__) == sorted(agentmem.__all__)


def test_the_version_is_the_packages() -> None:
    assert agentmem.__version__ == PYPROJECT["project"]["version"]
    assert f"[{agentmem.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_entry_points_load() -> None:
    groups = PYPROJECT["project"]["entry-points"] | {"scripts": PYPROJECT["project"]["scripts"]}
    assert {"agentmem.stores", "agentmem.embedders", "scripts"} <= set(groups)
    for points in groups.values():
        for target in points.values():
            module, _, name = target.partition(":")
            assert callable(getattr(import_module(module), name))


# --- imports ---------------------------------------------------------------------------------------
@functools.lru_cache
def loaded() -> list[str]:
    """The modules that ``import agentmem`` loads, in a fresh process."""
    code = "import sys, json, agentmem; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(done.stdout)
    return names


@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_agentmem_loads_nothing_heavy(heavy: str) -> None:
    assert not [name for name in loaded() if name.split(".")[0] == heavy]


def test_opening_and_searching_loads_nothing_that_is_not_needed() -> None:
    code = (
        "import sys, agentmem; m = agentmem.open(':memory:'); m.add('a b'); m.search('a'); m.ask('a?');"
        "print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name.split(".")[0] for name in done.stdout.split()}
    assert not names & {
        "torch",
        "openai",
        "langchain_core",
        "networkx",
        "onnxruntime",
        "sentence_transformers",
    }


@pytest.mark.parametrize(("module", "file"), [pytest.param(*found, id=found[0]) for found in modules()])
def test_arrows_point_down(module: str, file: Path) -> None:
    up = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for line, name in imports(file)
        if floor(name) > floor(module)
    ]
    assert not up, "\n".join(up)


def test_stores_import_each_other_only_to_compose() -> None:
    for module, file in modules():
        if module.startswith("agentmem.stores."):
            own = ".".join(module.split(".")[:3])
            named = [name for _, name in imports(file) if name.startswith("agentmem.stores.")]
            others = [name for name in named if not f"{name}.".startswith(f"{own}.")]
            assert not others or "compose" in (ast.get_docstring(ast.parse(file.read_text())) or "")


# --- what is packed --------------------------------------------------------------------------------
def test_every_package_is_listed() -> None:
    """A folder with modules that pyproject.toml does not list is missing from the wheel."""
    found = set()
    for name, folder in SOURCES.items():
        for package in (p for p in [folder, *folder.rglob("*")] if p.is_dir() and any(p.glob("*.py"))):
            parts = package.relative_to(folder).parts
            if "__pycache__" in parts or (name == "agentmem" and parts[:1] in (("stores",), ("evals",))):
                continue
            found.add(".".join((name, *parts)))
            assert (package / "__init__.py").exists(), f"{package.relative_to(ROOT)} has no __init__.py"
    assert sorted(found) == sorted(PYPROJECT["tool"]["setuptools"]["packages"])


def test_every_data_file_is_packed() -> None:
    packed = PYPROJECT["tool"]["setuptools"]["package-data"]
    for name, folder in SOURCES.items():
        for file in folder.rglob("*"):
            if not file.is_file() or file.suffix in (".py", ".pyc", ".md"):
                continue
            if name == "agentmem" and file.relative_to(folder).parts[0] in ("stores", "evals"):
                continue
            patterns = [
                (SOURCES.get(package) or ROOT.joinpath(*package.split("."))) / pattern
                for package, globs in packed.items()
                for pattern in globs
            ]
            assert any(file.match(str(pattern)) for pattern in patterns), (
                f"{file.relative_to(ROOT)} is not packed"
            )


def test_the_links_are_links() -> None:
    for name in ("stores", "evals"):
        link = ROOT / "agentmem" / name
        assert link.resolve() == ROOT / name
        assert import_module(f"agentmem.{name}").__name__ == f"agentmem.{name}"


def test_the_dependencies_are_those_that_were_chosen() -> None:
    names = {re.split(r"[<>=\[; ]", line)[0].lower() for line in PYPROJECT["project"]["dependencies"]}
    assert names == {
        "click", "networkx", "numpy", "onnxruntime", "openai", "pystemmer", "scipy", "sqlite-utils",
        "tokenizers",
    }  # fmt: skip


def test_an_extra_that_is_named_exists() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    for _, file in modules():
        for extra in re.findall(r'MissingDependency\("[^"]+", "(\w+)"\)', file.read_text()):
            assert extra in extras, f"{file.relative_to(ROOT)} names the extra {extra}"


# --- habits ----------------------------------------------------------------------------------------
def texts() -> Iterator[Path]:
    """Every text file of the project."""
    for folder in (".ci", "agentmem", "stores", "evals", "tests", "examples"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".py", ".md", ".toml", ".json", ".jsonl", "") and file.is_file():
                if "__pycache__" not in file.parts and "embed/data" not in file.as_posix():
                    yield file
    yield from (
        file for file in sorted(ROOT.glob("*")) if file.suffix in (".md", ".toml", "") and file.is_file()
    )


def test_rooms_are_small() -> None:
    long = {}
    for file in texts():
        lines = file.read_text().count("\n") if file.suffix == ".py" else 0
        if lines > 400:
            long[file.relative_to(ROOT).as_posix()] = lines
    unexplained = {name: lines for name, lines in long.items() if name not in LONGER_THAN_400}
    assert not unexplained, f"over 400 lines, and no reason in LONGER_THAN_400: {unexplained}"


def test_no_path_of_a_machine_is_mentioned() -> None:
    """Nothing in the project names a folder of the machine it was written on."""
    machine = re.compile(r"(?<![\w.])/(?:work|root|home|Users|tmp/w)/[\w.]+")
    for file in texts():
        found = machine.search(file.read_text())
        assert found is None, f"{file.relative_to(ROOT)} mentions {found and found.group()}"


def test_nobody_is_told_to_install_somebody_elses_package() -> None:
    """The name agentmem on the package index is another project's."""
    wrong = re.compile(r"(?:pip3?|uv|pipx)\s+(?:add|install)\s+(?:-U\s+)?['\"]?agentmem(?!-kit)\b")
    for file in texts():
        assert not wrong.search(file.read_text()), file.relative_to(ROOT)
