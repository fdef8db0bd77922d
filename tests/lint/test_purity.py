"""What the linker knows: the pure library asks nothing of the kernel, and no program can reach NSS, iconv, locales or
dlopen (R09: a static program that does loads an attacker's shared object as root)."""

import re
import subprocess

import tree

# Everything the pure library may leave undefined. A new line here is a decision; system calls are never one.
ALLOWED = re.compile(r"""^(?:
    # the compiler's own needs
    _GLOBAL_OFFSET_TABLE_ | __dso_handle | __stack_chk_fail | __cxa_\w+ | _Unwind_Resume | __gxx_personality_v0
    | __dynamic_cast | __tls_get_addr | _ZTVN10__cxxabiv1\w+ | _Zn[wa]\w+ | _Zd[la]\w+ | abort | __aeabi_\w+ | __\w+[dst]i[34]
    # memory and text
    | mem(?:chr|rchr|cmp|cpy|move|set|mem) | str(?:len|nlen|cmp|ncmp|chr|rchr|str|pbrk|spn|cspn) | bcmp
    | __(?:mem|str|snprintf|vsnprintf|sprintf)\w*_chk | v?snprintf
    | strto(?:d|f|ld|l|ul|ll|ull) | __isoc23_strto\w+ | __errno_location | strerrordesc_np | strerrorname_np
    | localeconv   # the JSON library asks which character is the decimal point; it reads no file
    | __libc_single_threaded   # what reference counts ask before they count
    # the C++ library, less what FORBIDDEN names
    | _ZN?K?R?St\w+ | _ZNKRSt\w+ | _ZN9__gnu_cxx\w+ | _ZT[IVTS]N?St\w+
)$""", re.VERBOSE)
FORBIDDEN = re.compile(r"fstream|filebuf|filesystem|6thread|mutex|random_device|_clock|ios_base4Init|3cin|4cout|4cerr|"
                       r"4clog|6locale6global|condition_variable|call_once|async|future")
ALLOWED_IN = {"close": {"fd.cc.o"}}  # the owner of a descriptor closes it
FRAMES = re.compile(r"nghttp2_\w+$")  # the one library of others in the data path, behind one file
FRAMES_IN = {"h2_session.cc.o"}
# What that library may ask for in turn: memory, text, its own assertions, and a clock to limit the rate of resets.
FRAMES_NEED = re.compile(r"(nghttp2_|huff_|mem|str)\w+|malloc|calloc|realloc|free|qsort|time|clock_gettime|stderr|"
                         r"__assert_fail|__\w+_chk(_fail)?|_GLOBAL_OFFSET_TABLE_")

NO_PROGRAM = re.compile(r"^_*(getpw\w*|getgr(ent|gid|nam|ouplist)\w*|getsp\w*|initgroups|getaddrinfo\w*|getnameinfo|"
                        r"gethostby\w*|getserv\w*|getproto\w*|iconv(_open)?|setlocale|newlocale|nss_\w+|wordexp|system|"
                        r"popen|res_n?\w*init)$")
# dlopen itself is part of every static glibc program: the character set converters behind iconv_open() and wide
# streams hold it. Nobody of ours may name it, and their entrances are in NO_PROGRAM.
NO_OBJECT = re.compile(NO_PROGRAM.pattern[:-1] + r"|^_*(dlopen|dlmopen|dlsym|bindtextdomain|tmpnam|mktemp)$")
# The command line library uses streams, and those bring the C++ library's converters, which nobody calls. R09 is about
# programs that run with somebody else's environment: the hooks and the shim have no such exception.
# A program with a thread, as vchan-cat is, brings the state of the resolver that every thread of glibc's has.
BAGGAGE = {"xc-inject": {"iconv", "iconv_open", "newlocale", "__newlocale"},
           "vchan-cat": {"__res_ninit", "__res_vinit", "_res_hconf_init"}}
INSTRUMENTATION = re.compile(r"^__(start_|stop_)?(asan|ubsan|sanitizer|sancov|lsan|tsan|msan)_")


def sanitized():
    return re.search(r"^XC_SANITIZE:STRING=(.*)$", (tree.BUILD / "CMakeCache.txt").read_text(), re.M).group(1) != ""


LINE = re.compile(r"(?:([^:]+):)?[0-9a-f]* +([A-Za-z?]) (\S+)")  # of nm -A, after the file's own name


def symbols(path):
    """[(member, type, name)] of an archive, object or program."""
    out = subprocess.run(["nm", "-A", str(path)], capture_output=True, text=True, check=True).stdout
    found = [LINE.fullmatch(line.removeprefix(f"{path}:")) for line in out.splitlines()]
    assert all(found), f"nm says something new about {path}"
    return [(m.group(1) or "", m.group(2), m.group(3).split("@")[0]) for m in found]


def undefined(path):
    """{name: members that need it}, without what the file itself defines."""
    all_symbols = symbols(path)
    defined = {name for _, kind, name in all_symbols if kind not in "Uw"}
    needs = {}
    for member, kind, name in all_symbols:
        if kind in "Uw" and name not in defined and not INSTRUMENTATION.match(name):
            needs.setdefault(name, set()).add(member)
    return needs


def impurities(archive):
    return {name: sorted(members) for name, members in undefined(archive).items()
            if FORBIDDEN.search(name) or not (ALLOWED.match(name) or members <= ALLOWED_IN.get(name, set()) or
                                              (FRAMES.match(name) and members <= FRAMES_IN))}


def programs():
    names = [p.stem for p in tree.files("hooks", suffixes={".cc"}) if p.parent.name == "hooks"]
    return [tree.BUILD / n for n in names if not sanitized()]


def test_nm_is_understood():
    needs = undefined(tree.BUILD / "libxc_pure.a")
    assert needs["close"] == {"fd.cc.o"}
    assert "_Znwm" in needs or "_Znwj" in needs
    assert "_ZN2xc2Fd5resetEv" not in needs


def test_the_pure_library_makes_no_system_call():
    assert impurities(tree.BUILD / "libxc_pure.a") == {}


def test_the_library_of_http_2_makes_none_either():
    cache = (tree.BUILD / "CMakeCache.txt").read_text()
    library = re.search(r"^XC_NGHTTP2:FILEPATH=(.+)$", cache, re.M).group(1)
    needs = undefined(library)
    assert "malloc" in needs
    assert [name for name in needs if not FRAMES_NEED.fullmatch(name)] == []


def test_no_object_of_ours_names_what_loads_code_or_asks_nss():
    for library in ("libxc_pure.a", "libxc_sys.a"):
        found = {name: sorted(members) for name, members in undefined(tree.BUILD / library).items()
                 if NO_OBJECT.match(name)}
        assert found == {}, library


def test_no_program_can_reach_nss_iconv_or_locales():
    for program in programs():
        names = {name for _, _, name in symbols(program)}
        assert "main" in names, f"{program} has no symbols to look at"
        assert {n for n in names if NO_PROGRAM.match(n)} - BAGGAGE.get(program.name, set()) == set(), program


def test_the_programs_are_static():
    for program in programs():
        headers = subprocess.run(["readelf", "-lW", str(program)], capture_output=True, text=True, check=True).stdout
        assert "INTERP" not in headers, f"{program} asks for a dynamic loader"
