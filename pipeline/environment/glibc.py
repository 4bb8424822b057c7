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

from pipeline.environment.elf import Library

WHEELS_NEED = (2, 39)
PATCH_REACHES = (2, 34)
DISTRIBUTIONS = ("ml-metadata", "tensorflow-data-validation")

MLMD = "ml_metadata/metadata_store/pywrap/metadata_store_extension.so"
TFDV = "tensorflow_data_validation/pywrap/tensorflow_data_validation_extension.so"

# sha256 of each module as it comes in its wheel, and as it is after `patched`.
KNOWN = {}

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
