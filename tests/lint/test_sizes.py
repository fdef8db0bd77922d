"""Sizes of lib/README.md: none above 400 lines, a median that stays low, functions under 40 lines."""

import re
import statistics

import tree

FILE_LIMIT = 400
MEDIAN_LIMIT = 130
FUNCTION_LIMIT = 40
SCRIPTS = {".py", ".sh"}
BLANKED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
SCOPE = re.compile(r"^(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b[^()]*$", re.S)


def lines(path):
    return len(path.read_text(errors="replace").splitlines())


def functions(code):
    """(first line, lines between the braces of its body, both counted) of every function of C++ text."""
    code = BLANKED.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), code)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), code, flags=re.M)
    found, stack, start = [], [], 0
    for i, c in enumerate(code):
        if c == "{":
            header = code[start:i].strip()
            outside = all(kind == "scope" for kind, _ in stack)
            # A member initialised with braces ends in "}", and the body of the constructor follows it.
            continued = outside and found and found[-1][2] == code[:start].count("\n") and (header[:1] in ("", ","))
            kind = "scope" if SCOPE.match(header) else "function" if outside and ("(" in header or continued) else "other"
            stack.append((kind, i))
            start = i + 1
        elif c == "}" and stack:
            kind, opened = stack.pop()
            start = i + 1
            if kind == "function":
                first, last = code[:opened].count("\n"), code[:i].count("\n")
                found.append((first + 1, last - first + 1, last))
        elif c == ";":
            start = i + 1
    return [(first, length) for first, length, _ in found]


def test_functions_are_counted():
    code = """
namespace x {
struct S {
  S() : a{1}, b{2} {
    f("}");
  }
  int a = 0;
};
enum class E { one, two };
constexpr int table[] = {1, 2};
// void g() {
Result<> f(int n) {
  for (;;) {
    const char c = '{';
  }
  return {};
}
}
"""
    assert functions(code) == [(4, 1), (4, 1), (4, 3), (12, 6)]


def test_no_file_is_above_the_limit():
    code = tree.files("lib", "hooks", "tests", suffixes=tree.CODE | SCRIPTS)
    assert len(code) > 20
    assert {tree.relative(f): lines(f) for f in code if lines(f) > FILE_LIMIT} == {}


def test_the_median_of_lib_is_low():
    assert statistics.median(lines(f) for f in tree.files("lib", suffixes=tree.CODE)) <= MEDIAN_LIMIT


def test_no_function_of_the_product_is_long():
    counted, found = 0, []
    for path in tree.files("lib", "hooks", suffixes=tree.CODE):
        for line, length in functions(path.read_text()):
            counted += 1
            if length >= FUNCTION_LIMIT:
                found.append(f"{tree.relative(path)}:{line}: {length} lines")
    assert counted > 50
    assert not found, "\n".join(found)
