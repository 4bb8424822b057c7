# Run a Python that can hold this project, with the given arguments: sh setup.sh -m pipeline doctor
#
# The library need not be installed: it runs from the wheel that requirements/library.txt names, or
# in the repository of the library, where that file is missing, from its source. PYTHON=… chooses
# the Python. Otherwise it is the one that .venv was made with, or else the newest on the PATH with
# everything needed; if there is none, any that can report what is missing.

cd "$(dirname "$0")" || exit

library=library/src # only in the repository of the library
if [ -f requirements/library.txt ]; then
    library=$(sed -n 's/^\(vendor\/[^ ]*\.whl\).*/\1/p' requirements/library.txt)
    if [ ! -f "$library" ]; then
        echo "requirements/library.txt names a wheel that is missing: ${library:-none is named}." \
            "Take both from git again: git checkout -- vendor requirements/library.txt" >&2
        exit 1
    fi
elif [ ! -d "$library" ]; then
    echo "The library is missing: there is no requirements/library.txt, which names its wheel." \
        "Take both from git again: git checkout -- vendor requirements" >&2
    exit 1
fi
export PYTHONPATH="$library" # relative: a path may have a colon in it

can_speak() { "$1" -c "import sys; sys.exit(sys.version_info < (3, 7))" 2>/dev/null; }
is_complete() { "$1" -m tfxkit.environment.checks >/dev/null 2>&1; }

run() {
    if "$1" -c "import tfxkit" 2>/dev/null; then
        exec "$@"
    fi
    echo "$library is damaged, or a pointer of Git LFS. Take it from git again:" \
        "git checkout -- vendor requirements/library.txt (with Git LFS: git lfs pull)" >&2
    exit 1
}

if [ -n "$PYTHON" ]; then
    can_speak "$PYTHON" && run "$PYTHON" "$@"
    echo "PYTHON=$PYTHON cannot be run, or is older than 3.7: choose a Python 3.11, 3.12 or 3.13." >&2
    exit 1
fi
can_speak .venv/bin/python && run .venv/bin/python "$@"
for suits in is_complete can_speak; do
    for python in python3.13 python3.12 python3.11 python3 python; do
        $suits $python && run $python "$@"
    done
done
echo "No Python was found: install Python 3.11, 3.12 or 3.13" \
    "(Debian, Ubuntu: sudo apt install python3 python3-venv python3-dev)." >&2
exit 1
