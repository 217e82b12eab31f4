"""Measures gatewise beside its peers and writes the page: each library in its own process, results before times.

Installs and builds what is missing first, under --work. Losses are printed as wins are, and a peer that cannot run a
case says why.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cases", metavar="REGEX", default="", help="only cases whose name matches (--list shows them)"
    )
    parser.add_argument("--peers", metavar="LIST", default="", help="only these, separated by commas")
    parser.add_argument("--threads", metavar="LIST", default="1,2", help="numbers of threads (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="three short rounds instead of seven")
    parser.add_argument("--core", type=int, help="the core to bind to with one thread (default: the last allowed)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/peers.md", help="the page (default: docs/peers.md)")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "target/peers", help="installations (default: target/peers)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at once (default: %(default)s)")
    parser.add_argument("--add", action="store_true", help="keep the last run's results where nothing is measured now")
    parser.add_argument("--no-install", action="store_true", help="use what is installed and built")
    parser.add_argument(
        "--system-site-packages", action="store_true", help="let the environment see installed packages"
    )
    parser.add_argument("--torch-index", metavar="URL", help="where torch comes from, such as an index of CPU builds")
    parser.add_argument("--list", action="store_true", help="print peers and cases, and stop")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    work = given.work.resolve()
    if not inside(work):
        if not given.no_install:
            import install

            install.install(work, given.jobs, given.system_site_packages, given.torch_index)
        python = str(work / "venv/bin/python")
        os.execv(python, [python, str(HERE / "run.py"), *sys.argv[1:], "--no-install"])

    import cases
    import page
    import peers
    import rounds

    chosen = [case for case in cases.all_cases() if re.search(given.cases, case.name)]
    names = given.peers.split(",") if given.peers else [peer.key for peer in peers.PEERS]
    if unknown := set(names) - {peer.key for peer in peers.PEERS}:
        sys.exit(f"--peers: no {', '.join(sorted(unknown))}; there are {', '.join(peer.key for peer in peers.PEERS)}")
    asked = [peer for peer in peers.PEERS if peer.key in names]
    if given.list:
        print("\n".join([peer.key for peer in peers.PEERS] + [""] + [case.name for case in chosen]))
        return

    # Asked to end, it ends its processes too: stopped ones would not notice.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    store = work / "results.json"
    results = json.loads(store.read_text()) if given.add and store.exists() else {}
    start = time.monotonic()
    for threads in map(int, given.threads.split(",")):
        core = given.core if given.core is not None else max(os.sched_getaffinity(0))
        results |= rounds.measure(chosen, asked, threads, core, work, given.quick)
        store.write_text(json.dumps(results, indent=1))
    took = time.monotonic() - start
    page.write(given.output, results, work, took)
    print(f"{given.output}: {took / 60:.1f} minutes")


def inside(work: Path) -> bool:
    """Whether this is the environment's own Python."""
    return Path(sys.prefix).resolve() == work / "venv"


if __name__ == "__main__":
    main()
