#!/usr/bin/env python3
"""Makes the C source of a page that a program fills with data: HTML with its style and its scripts.

    embed_page.py PAGE.html STYLE.css SCRIPT.js... -o OUT.c

In PAGE.html @STYLE@ and @SCRIPT@ stand for the files, which are joined in the order given, and @POLICY@ for a
policy that lets a browser run and show these and nothing else. @TABLES@ and @DATA@ are where the program puts its
own: the source defines report_page_parts, what is before, between and behind them.
"""

import argparse
import base64
import hashlib
import pathlib
import sys


def allowed(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def c_string(text):
    """A C string literal, one for each line of `text`."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "?": "\\?"}
    lines = text.splitlines(keepends=True) or [""]
    return "\n".join('    "' + "".join(escapes.get(c, c) for c in line) + '"' for line in lines)


def page_parts(html, style, script):
    if "</script" in script or "</style" in style:
        sys.exit("embed_page.py: a script or style ends its own element")
    policy = (f"default-src 'none'; style-src {allowed(style)}; script-src {allowed(script)}; img-src data:; "
              "base-uri 'none'; form-action 'none'")
    for mark, text in (("@POLICY@", policy), ("@STYLE@", style), ("@SCRIPT@", script)):
        if html.count(mark) != 1:
            sys.exit(f"embed_page.py: the page must have {mark} once")
        html = html.replace(mark, text)
    before, rest = html.split("@TABLES@")
    between, behind = rest.split("@DATA@")
    return before, between, behind


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("style", type=pathlib.Path)
    parser.add_argument("scripts", type=pathlib.Path, nargs="+")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    given = parser.parse_args()
    html, style = given.page.read_text(encoding="utf-8"), given.style.read_text(encoding="utf-8")
    script = "".join(path.read_text(encoding="utf-8") for path in given.scripts)
    # one scope for all the scripts, which nothing else sees
    parts = page_parts(html, style, f'(function () {{\n"use strict";\n{script}}}());\n')
    given.output.write_text("/* Made by scripts/embed_page.py. */\n"
                            "extern const char *const report_page_parts[3];\n"
                            "const char *const report_page_parts[3] = {\n" +
                            ",\n".join(map(c_string, parts)) + "};\n", encoding="utf-8")


if __name__ == "__main__":
    main()
