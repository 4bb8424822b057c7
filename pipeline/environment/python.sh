# Runs a Python that can hold this project, with the given arguments: sh python.sh -m pipeline doctor
#
# PYTHON=… chooses it. Otherwise it is the one that .venv was made with, or else the newest on the
# PATH with all that is needed; if there is none, any that can tell what is missing.

if [ -n "$PYTHON" ]; then
    exec "$PYTHON" "$@"
fi
if .venv/bin/python -c "" 2>/dev/null; then
    exec .venv/bin/python "$@"
fi
for accept in "-m pipeline.environment.checks" "-c import(sys),sys.exit(sys.version_info<(3,7))"; do
    for python in python3.13 python3.12 python3.11 python3 python; do
        if $python $accept >/dev/null 2>&1; then
            exec $python "$@"
        fi
    done
done
echo "No Python was found: install Python 3.11, 3.12 or 3.13 (Debian, Ubuntu: sudo apt install" \
    "python3 python3-venv python3-dev)." >&2
exit 1
