"""The machine that measured, in words."""

import os
import platform
from pathlib import Path

# What the libraries here can make use of.
EXTENSIONS = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
)


def describe() -> str:
    """Model, cores and extensions; what the system does not say is left out."""
    facts: dict[str, str] = {}
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else []:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    model = facts.get("model name") or platform.processor() or platform.machine()
    if "model" in facts:
        model += f" (family {facts.get('cpu family', '?')}, model {facts['model']})"
    flags = set(facts.get("flags", facts.get("Features", "")).split())
    has = [flag.replace("_", ".") if flag == "sse4_2" else flag for flag in EXTENSIONS if flag in flags]
    return f"{model}, {os.cpu_count()} cores, {', '.join(has) or 'extensions unknown'}; {platform.system()}"
