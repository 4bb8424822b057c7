# Builds the image with docker, podman or buildah: sh deploy/build.sh IMAGE [OPTION OF THE BUILD …]
#
# For x86-64, wherever it is built: TFX has no other packages for Linux.

image=$1
if [ -z "$image" ]; then
    echo "Give the image a name: make image IMAGE=registry.example.com/taxi-reference:1" >&2
    exit 2
fi
shift
cd "$(dirname "$0")/.." || exit

if docker info >/dev/null 2>&1; then
    build="docker build"
elif command -v podman >/dev/null; then
    build="podman build"
elif command -v buildah >/dev/null; then
    build="buildah build --layers"
else
    echo "No docker that runs, no podman and no buildah: install one of them" \
        "(Debian, Ubuntu: sudo apt install podman)." >&2
    exit 1
fi

context=.
# Only the repository of the library has this folder, and no wheel in vendor/: the wheel is built
# into a copy of the files that the image takes.
if [ -d library ]; then
    context=$(mktemp -d) || exit
    trap 'rm -rf "$context"' EXIT
    trap 'exit 130' INT TERM
    for path in $(sed -n 's/^!//p' .dockerignore); do # unquoted: LICENSE* is a pattern
        [ ! -e "$path" ] || cp -Rp "$path" "$context" || exit
    done
    cp -p .dockerignore "$context" && sh setup.sh -B -m template.library "$context" || exit
    # Some builders take new times for new content.
    find "$context/vendor" "$context/requirements/library.txt" -exec touch -t 198001010000 {} +
fi

$build --platform linux/amd64 --file deploy/Dockerfile --tag "$image" \
    --build-arg VERSION="$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
    --build-arg REVISION="$(git describe --always --dirty 2>/dev/null)" \
    "$@" "$context"
