"""The rooms of lib/README.md, held against every #include: the page is the rule, this is the guard."""

import re

import tree

ALLOWED_IN_PURE = {("lib/base/fd.cc", "<unistd.h>")}  # closing a descriptor is what an owner of one does
KERNEL_HEADERS = re.compile(
    r"<(sys/|linux/|net/|netinet/|arpa/|asm/|unistd|fcntl|poll|signal|dirent|pwd|grp|netdb|sched|mntent|spawn|dlfcn|"
    r"pthread|thread|mutex|future|condition_variable|atomic|fstream|filesystem|ctime|time\.h|random|cstdio|stdio)")
NEVER_IN_LIB = re.compile(r"<(iostream|locale|clocale|dlfcn\.h|pwd\.h|netdb\.h|iconv\.h|regex)>")


def room_of(path):
    parts = tree.relative(path).split("/")
    return "hooks" if parts[0] == "hooks" else parts[1]


def sources():
    return tree.files("lib", "hooks", suffixes=tree.CODE)


def faults(path, number, target):
    place = f"{tree.relative(path)}:{number}"
    room = room_of(path)
    if target.startswith('"'):
        other, slash, _ = target.strip('"').partition("/")
        if path.suffix == ".cc" and not slash and other.endswith(".inc"):
            return []  # a table made at build time
        if room == "hooks" and other == "verbs" and (tree.SOURCE / "hooks" / target.strip('"')).exists():
            return []
        if not slash or other.startswith("."):
            return [f"{place}: {target} is not written from the root of lib"]
        if other != room and other not in tree.rooms()[room]:
            return [f"{place}: {room} may not include {other}"]
        if not (tree.SOURCE / "lib" / target.strip('"')).exists():
            return [f"{place}: {target} is not in lib"]
        return []
    found = []
    if target.startswith(("<nlohmann", "<json")) and not (room == "parse" and path.suffix == ".cc"):
        found.append(f"{place}: the JSON library belongs into the .cc files of parse")
    if target.startswith("<CLI") and room != "hooks" and room != "app":
        found.append(f"{place}: the command line belongs to the programs")
    if NEVER_IN_LIB.match(target) and room != "hooks":
        found.append(f"{place}: {target} has no place in lib")
    if room in tree.pure_rooms() and KERNEL_HEADERS.match(target):
        if (tree.relative(path), target) not in ALLOWED_IN_PURE:
            found.append(f"{place}: {target} in the pure room {room}")
    return found


def test_the_table_is_read():
    rooms = tree.rooms()
    assert {"base", "model", "grant", "plan", "parse", "mediate", "sys", "hooks"} <= set(rooms)
    assert rooms["base"] == set()
    assert rooms["model"] == {"base"}
    assert rooms["app"] == set(rooms) - {"app", "hooks"}


def test_every_directory_of_lib_is_a_room_of_the_table():
    for path in tree.files("lib", suffixes=tree.CODE):
        assert len(path.relative_to(tree.SOURCE).parts) > 2, f"{tree.relative(path)} lies in no room"
        assert room_of(path) in tree.rooms(), f"{tree.relative(path)}: no such room in lib/README.md"


def test_rooms_include_only_rooms_below_them():
    order = list(tree.rooms())
    for room, allowed in tree.rooms().items():
        assert allowed <= set(order), f"{room} may include something that is not a room"
        assert room not in allowed

    def reaches(room, seen):
        assert room not in seen, f"{room} includes itself by way of {seen}"
        for other in tree.rooms()[room]:
            reaches(other, seen | {room})

    for room in order:
        reaches(room, frozenset())


def test_every_include_is_in_the_table():
    found = [f for path in sources() for number, target in tree.includes(path) for f in faults(path, number, target)]
    assert not found, "\n".join(found)


def test_the_libraries_of_cmake_are_those_of_the_page():
    text = "".join((tree.SOURCE / name).read_text() for name in ("CMakeLists.txt", "cmake/vchan.cmake"))
    for library, rooms in (("PURE", tree.pure_rooms()), ("VCHAN", {"vchan"}),
                           ("SYS", set(tree.rooms()) - tree.pure_rooms() - {"hooks", "vchan"})):
        globs = re.search(rf"GLOB XC_{library}_SOURCES([^)]*)\)", text).group(1)
        assert set(re.findall(r"lib/([a-z]+)/\*\.cc", globs)) == rooms, f"XC_{library}_SOURCES"


def test_pure_rooms_include_pure_rooms_only():
    for room in tree.pure_rooms():
        assert tree.rooms()[room] <= tree.pure_rooms(), room
