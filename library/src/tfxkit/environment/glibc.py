"""Lets the two native modules of TFX that ask for glibc 2.39 load on glibc 2.34 and newer.

ml-metadata 1.21.0 and tensorflow-data-validation 1.21.0 have Linux wheels for glibc 2.39 only;
Debian 12, Ubuntu 22.04 and Red Hat 9 are older. What these modules need of it is six symbols, each
of which has an older one with the same signature and the same effect:

* `__isoc23_strtol` and its three sisters: C23's spelling of `strtol`; differs for "0b…" only.
* `std::ios_base_library_init()`: what the constructor `std::ios_base::Init` did before.
* `__cxa_call_terminate(void*)`: ends in `std::terminate()`.

They stay in need of glibc 2.34 and of GCC 11's libstdc++ (GLIBCXX_3.4.29, CXXABI_1.3.13), which
these systems have and older ones have not: `exception_ptr::_M_addref()` has no older equal.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tfxkit.environment.elf import Library
from tfxkit.environment.errors import SetUpError
from tfxkit.environment.platform_support import this_machine

WHEELS_NEED = (2, 39)
DISTRIBUTIONS = ("ml-metadata", "tensorflow-data-validation")

MLMD = "ml_metadata/metadata_store/pywrap/metadata_store_extension.so"
TFDV = "tensorflow_data_validation/pywrap/tensorflow_data_validation_extension.so"
MODULES = (MLMD, TFDV)

# sha256 of each module as it comes in its wheel, and as it is after `patched`.
KNOWN = {
    # ml-metadata 1.21.0, Python 3.11
    "9817a2524d3cad1b3136e118aea97f24e269767c04d86aaa3be8aa71d8593c9c": (
        "5868c3cc92c8405b9559e8fb8635fa3ed2ecdd966611b2ae959b3c289a3dbe9f"
    ),
    # ml-metadata 1.21.0, Python 3.12
    "29fe5dde36f0f26a3852981bf23af7dc8f686430d021ded6f41ecb31e7da06ea": (
        "2ef5ddd6cf8f4e426e32de0c96c81c53a938e88a01781413e6ee173bc6147a27"
    ),
    # ml-metadata 1.21.0, Python 3.13
    "8595fe993edb0dd7afeeff28e83f0257f5b145a38b3c36d2d794939a005f7348": (
        "f1e914730193ed754170a0d64e8ba610d3e7fda0437b410ea19f67e37756b9e4"
    ),
    # tensorflow-data-validation 1.21.0, Python 3.11
    "9d167827edb20f0c9219f196cc882265f1d2ceb8eb71f3d7ce3f2a0cd1be56a7": (
        "2480f1371eb180f196fa8b9bc463fb10fc99624c761ddce0b90b4f9a20f622ee"
    ),
    # tensorflow-data-validation 1.21.0, Python 3.12
    "82995ecc292461d53f935dc55af3441a46c382bed0f36e580b31ae22159936d9": (
        "ae74eb5d0fb2f763b609665353c8141416ad986c7f99ed2d4047971eacc9e2ee"
    ),
    # tensorflow-data-validation 1.21.0, Python 3.13
    "1d98fa0b6c0e9c54ee70174d193bc5f9c46d3390ab0e74adbb8d398ae321893a": (
        "1f1893bf4b508d8c100287a578bd606ea4aab5954c55a7ac9f7cfe1112ab6af0"
    ),
}

RENAMED = {
    "__isoc23_strtol": "strtol",
    "__isoc23_strtoul": "strtoul",
    "__isoc23_strtoll": "strtoll",
    "__isoc23_strtoull": "strtoull",
    "_ZSt21ios_base_library_initv": "_ZNSt8ios_base4InitC1Ev",
    "__cxa_call_terminate": "_ZSt9terminatev",
}
OPTIONAL = ("GLIBC_2.38", "GLIBCXX_3.4.32", "CXXABI_1.3.15")


def patched(module: bytes) -> bytes:
    """The module with older names in place of those that older systems lack."""
    library = Library(module)
    for old, new in RENAMED.items():
        library.rename_import(old, new)
    for version in OPTIONAL:
        library.make_optional(version)
    return bytes(library.data)


def is_needed() -> bool:
    """True if this system is older than the wheels require."""
    glibc = this_machine().glibc
    return glibc is not None and glibc < WHEELS_NEED


def state(module: bytes) -> str:
    """State of a module: "original", "patched", or "unknown" if it is of none of the wheels."""
    digest = hashlib.sha256(module).hexdigest()
    if digest in KNOWN:
        return "original"
    return "patched" if digest in KNOWN.values() else "unknown"


def patch(path: Path) -> bool:
    """Patches one installed module, unless it is patched already.

    The file is replaced, not written into: it may be a hard link into a cache that other
    environments share.

    Args:
        path: The module in site-packages.

    Returns:
        Whether anything was to be done.

    Raises:
        SetUpError: If the file is of none of the wheels that this is known to be right for.
    """
    module = path.read_bytes()
    if state(module) == "patched":
        return False
    if state(module) == "unknown":
        raise SetUpError(
            f"{path.name} is none of the files that the patch for older systems was made for. If "
            "requirements/ names a new version of it, take the next version of tfxkit; a system "
            "with glibc 2.39 (Debian 13, Ubuntu 24.04) needs no patch."
        )
    replacement = path.with_name(f"{path.name}.{os.getpid()}")
    replacement.write_bytes(patched(module))
    replacement.chmod(path.stat().st_mode)
    os.replace(replacement, path)
    return True
