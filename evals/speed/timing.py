"""Timing helpers: medians, machine, output."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def milliseconds(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """Wall time of one call in ms."""
    start = time.perf_counter()
    call(*arguments, **options)
    return (time.perf_counter() - start) * 1000


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and mean."""
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 4),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 4),
        "mean": round(statistics.fmean(ordered), 4),
    }


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        model = platform.processor()
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
    }


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the options all speed commands share."""
    parser = argparse.ArgumentParser(description=description)
    default = os.environ.get("AGENTMEM_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(default) if default else None,
        help="folder of benchmark data (default: $AGENTMEM_DATA; without it, made texts)",
    )
    parser.add_argument("--embedder", default="static", help="static, minilm or none")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result as JSON or as lines."""
    if as_json:
        print(json.dumps(result, indent=2))
        return
    for key, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            columns = list(value[0])
            print(f"{key}:")
            print("  " + "  ".join(f"{c:>14}" for c in columns))
            for row in value:
                print("  " + "  ".join(f"{row[c]!s:>14}" for c in columns))
        else:
            print(f"{key}: {value}")


def note(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
